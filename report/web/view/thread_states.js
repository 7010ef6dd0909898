// SPDX-License-Identifier: Apache-2.0
// What a thread does in a sample: runs its own code or the kernel's, is ready, or waits, and for what. A sample says
// whether the thread ran; for what it waits is told by the names of libc's functions, as in model/activity.cc.

import {LibraryCode, qualifiedName} from './code_place.js';

/** @typedef {import('./functions.js').Functions} Functions */
/** @typedef {import('./paths.js').Paths} Paths */

// In the order in which they are stacked in a lane: what costs processor time first, what may be idleness last.
export const kThreadStates = [
  {name: 'running', title: 'running', short: 'running'},
  {name: 'kernel', title: 'in the kernel', short: 'kernel'},
  {name: 'ready', title: 'ready, no CPU free', short: 'no CPU free'},
  {name: 'lock', title: 'waiting for a lock', short: 'lock'},
  {name: 'disk', title: 'waiting for the disk', short: 'disk'},
  {name: 'input', title: 'waiting for input or the network', short: 'input, network'},
  {name: 'condition', title: 'waiting for a condition', short: 'condition'},
  {name: 'join', title: 'waiting for a thread or child', short: 'thread, child'},
  {name: 'sleep', title: 'asleep or waiting for events', short: 'sleep, events'},
  {name: 'waiting', title: 'waiting', short: 'other waiting'},
];
export const kRunning = 0;
export const kInKernel = 1;
const kReady = 2;
const kWaiting = 9;

// The first that matches the function's plain name says it.
/** @type {Array<[number, RegExp]>} */
const kWaits = [
  [3, /^_{0,3}pthread_(mutex|rwlock)_|^__lll_lock_wait|^std::(mutex::lock|shared_mutex|lock_guard|unique_lock.*::lock|recursive_mutex)|^(flock$|lockf)/],
  [6, /^_{0,3}pthread_(cond_|barrier_wait)|^(__new_)?sem_(timed|clock)?wait|^std::(condition_variable|__condvar|future|__basic_future|__atomic_futex|counting_semaphore)/],
  [7, /^(_{0,2}pthread_(join|clockjoin|timedjoin)|std::(thread::join|jthread)|thrd_join)|^((__)?wait(pid|id|[34])?|system|do_system|pclose|posix_spawn.*|vfork)$/],
  [8, /^_{0,2}(clock_)?nanosleep|^(u?sleep|pause|sigsuspend|thrd_sleep)$|^std::this_thread::sleep|^_{0,2}(epoll_|poll$|ppoll$|p?select)|^(sigwait|sigtimedwait|io_uring_|msgrcv|mq_|semop)/],
  [5, /^(__libc_)?(recv|send|accept|connect)|^(getaddrinfo|gethostbyname)|^(__GI___libc_|__libc_|__)?(read|write)v?$|^(fread|fgets|getchar|getline|splice)/],
  [4, /^(fsync|fdatasync|sync|syncfs|msync|pread|pwrite|open(64|at.*)?$|f?stat|unlink|rename|close$|ftruncate|fallocate|getdents|readdir|io_getevents)/],
];

/** @param {string} name of a function @returns {number} the state that being in it is, -1 if it says nothing */
export function waitOfName(name) {
  if (name === '[waiting for a CPU]') return kReady;
  const plain = qualifiedName(name);
  for (const [state, pattern] of kWaits) if (pattern.test(plain)) return state;
  return -1;
}

export class StateFinder {
  /** @param {Functions} functions @param {Paths} paths */
  constructor(functions, paths) {
    this.functions = functions;
    this.paths = paths;
    this.waitOf = new Int8Array(functions.count).fill(-2);  // by function: -2 not looked up, -1 says nothing
    this.library = new LibraryCode(functions);
  }

  // The outermost library function around the leaf that says something: getaddrinfo that polls is the network.
  /** @param {number} path */
  waiting(path) {
    let found = kWaiting;
    for (let at = path; at > 0; at = this.paths.parent[at]) {
      const wait = this.waitOfFunction(this.paths.func[at]);
      if (wait >= 0) found = wait;
      else if (!this.library.has(this.paths.func[at])) break;
    }
    return found;
  }

  /** @param {number} path */
  running(path) {
    return path > 0 && this.functions.kind(this.paths.func[path]) === 'kernel' ? kInKernel : kRunning;
  }

  /** @param {number} f */
  waitOfFunction(f) {
    if (this.waitOf[f] === -2) this.waitOf[f] = waitOfName(this.functions.name(f));
    return this.waitOf[f];
  }
}
