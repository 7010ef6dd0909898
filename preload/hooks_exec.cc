// SPDX-License-Identifier: Apache-2.0
// An exec'd image finds the agent again through our two environment variables. The program may have dropped them (env
// -i, a hand-made environment): they are put back. Where the image cannot load the agent LD_PRELOAD is taken out before
// its loader could complain, and the recorder is told why the process will be missing.
//
// All of this may run in a vfork child, on its parent's memory: nothing here outlives the call, and the new environment
// is built on the stack.
#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdarg>
#include <cstring>

#include "preload/agent.h"
#include "preload/fatal_signals.h"
#include "preload/hook.h"
#include "preload/next.h"
#include "preload/sandbox.h"
#include "preload/signal_view.h"
#include "preload/system.h"
#include "wire/handshake.h"
#include "wire/loadable.h"

namespace flarestack::agent {
namespace {

constexpr size_t kMaxPathBytes = 4096;

size_t count_of(char* const* list) {
  size_t count = 0;
  while (list != nullptr && list[count] != nullptr) {
    ++count;
  }
  return count;
}

bool is_variable(const char* entry, const char* name) {
  return text_starts(entry, name) && entry[text_length(name)] == '=';
}

// What an exec needs beside its own arguments: room for the list of variables and for the two we write.
size_t extra_entries() { return 3; }
size_t text_bytes(char* const* environment) {
  const char* preload = environment_value(environment, kPreloadVariable);
  return 64 + text_length(the_agent.session_value) + text_length(the_agent.agent_path) + 2 * sizeof(kSessionVariable) +
         (preload != nullptr ? text_length(preload) : 0);
}

char* append(char* to, const char* text) { return to + text_copy(to, text, text_length(text) + 1); }

// Copies `preload` without our entry.
char* append_without_agent(char* to, const char* preload) {
  const size_t own = text_length(the_agent.agent_path);
  bool first = true;
  while (*preload != '\0') {
    size_t length = 0;
    while (preload[length] != '\0' && preload[length] != ':' && preload[length] != ' ') {
      ++length;
    }
    const bool ours = length == own && text_starts(preload, the_agent.agent_path);
    if (length != 0 && !ours) {
      if (!first) {
        *to++ = ':';
      }
      first = false;
      for (size_t i = 0; i < length; ++i) {
        *to++ = preload[i];
      }
    }
    preload += length + (preload[length] != '\0' ? 1 : 0);
  }
  *to = '\0';
  return to;
}

// Whether the loader will find our file: not behind a chroot, for another user, or without a descriptor to spare.
bool agent_is_visible() {
  const int descriptor = open_file(the_agent.agent_path);
  if (descriptor >= 0) {
    close_file(descriptor);
  }
  return descriptor >= 0;
}

// Whether the image at `path` is to load the agent; the recorder is told why not.
bool shall_load(const char* path) {
  LoadVerdict verdict = check_loadable(path);
  // A text without #!, which execvp gives to a shell, or nothing that could be executed: no harm then.
  const bool loadable = verdict == LoadVerdict::kLoadable || verdict == LoadVerdict::kNotFound;
  if (loadable && agent_is_visible()) {
    return true;
  }
  if (loadable) {
    verdict = LoadVerdict::kAgentHidden;
  }
  send_unrecorded_note(path, static_cast<uint32_t>(verdict));
  return false;
}

// Builds the environment for an image into `list`, with new texts in `text`.
char** build_environment(bool load, char* const* environment, char** list, char* text) {
  const char* preload = environment_value(environment, kPreloadVariable);
  size_t count = 0;
  for (char* const* entry = environment; entry != nullptr && *entry != nullptr; ++entry) {
    if (!is_variable(*entry, kPreloadVariable) && !is_variable(*entry, kSessionVariable)) {
      list[count++] = *entry;
    }
  }
  list[count] = text;
  char* end = append(append(text, kPreloadVariable), "=");
  char* value = end;
  if (load) {
    end = append(end, the_agent.agent_path);
    if (preload != nullptr && *preload != '\0') {
      char* separator = end;
      end = append_without_agent(separator + 1, preload);
      *separator = end != separator + 1 ? ':' : '\0';
      end = end != separator + 1 ? end : separator;
    }
  } else if (preload != nullptr) {
    end = append_without_agent(end, preload);
  }
  if (end != value) {
    ++count;
    text = end + 1;
  }
  if (load) {
    list[count++] = text;
    append(append(append(text, kSessionVariable), "="), the_agent.session_value);
  }
  list[count] = nullptr;
  return list;
}

enum class Following : uint8_t { kFollow, kStrip, kLeave };

// What becomes of our variables. Asked in vfork children, too: their process id is their own, the session their
// parent's.
Following following(bool replaces_caller) {
  if (the_agent.session_value == nullptr) {
    return Following::kLeave;
  }
  if (!sandbox_allows(Deed::kReach)) {
    return Following::kStrip;  // its agent would ask for what is forbidden
  }
  if (!the_agent.session) {
    return the_agent.follow_exec ? Following::kLeave : Following::kStrip;
  }
  if (the_agent.session.page().off.load(std::memory_order_relaxed) != 0) {
    return Following::kStrip;
  }
  const bool is_follower = the_agent.follow_exec || (replaces_caller && the_agent.process == process_id());
  return is_follower ? Following::kFollow : Following::kStrip;
}

// The file that execvp would run, for the check alone: nothing depends on it being exact.
const char* find_in_path(const char* file, char* buffer) {
  for (const char* c = file; *c != '\0'; ++c) {
    if (*c == '/') {
      return file;
    }
  }
  const char* path = environment_value(*next().environ, "PATH");
  path = path != nullptr ? path : "/bin:/usr/bin";
  while (true) {
    size_t length = 0;
    while (path[length] != '\0' && path[length] != ':') {
      ++length;
    }
    if (length + text_length(file) + 2 < kMaxPathBytes) {
      memcpy(buffer, path, length);
      size_t used = length;
      buffer[used++] = '/';
      text_copy(buffer + used, file, kMaxPathBytes - used);
      if (length != 0 && raw_syscall(SYS_access, raw_pointer(buffer), X_OK) == 0) {
        return buffer;
      }
    }
    if (path[length] == '\0') {
      return file;
    }
    path += length + 1;
  }
}

// Runs `call(environment)` with the environment the image is to get, and with the signals as the program believes them.
// A macro-free way to keep the variable-length arrays of each hook in one place.
template <typename Call>
int start_image(bool replaces_caller, const char* path, char* const* environment, Call call) {
  const Following choice = following(replaces_caller);
  if (choice == Following::kLeave) {
    return call(environment);
  }
  auto** list = static_cast<char**>(__builtin_alloca((count_of(environment) + extra_entries()) * sizeof(char*)));
  auto* text = static_cast<char*>(__builtin_alloca(text_bytes(environment)));
  const bool load = choice == Following::kFollow && shall_load(path);
  char* const* with = build_environment(load, environment, list, text);
  if (!the_agent.session) {
    return call(with);
  }
  const ExecSignals saved = reveal_signals();
  const int result = call(with);
  hide_signals(saved);
  return result;
}

template <typename Call>
int exec_with(const char* path, char* const* environment, Call call) {
  return start_image(true, path, environment, call);
}

// "/proc/self/fd/DESCRIPTOR" and, unless `name` is empty, "/" and `name`, into `buffer` (kMaxPathBytes long).
const char* path_at(int descriptor, const char* name, char* buffer) {
  if (name[0] == '/' || (descriptor == AT_FDCWD && name[0] != '\0')) {
    return name;
  }
  char digits[12];
  size_t count = sizeof(digits);
  digits[--count] = '\0';
  auto value = static_cast<unsigned>(descriptor);
  do {
    digits[--count] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  char* end = append(append(buffer, "/proc/self/fd/"), digits + count);
  if (name[0] != '\0') {
    *end++ = '/';
    text_copy(end, name, kMaxPathBytes - static_cast<size_t>(end - buffer));
  }
  return buffer;
}

// `exec` of the arguments that an execl-like call lists up to a null, behind which `list` then stands.
template <typename Exec>
int exec_list(const char* first, va_list& list, Exec exec) {
  size_t count = 0;
  va_list counted;
  va_copy(counted, list);
  for (const char* argument = first; argument != nullptr; argument = va_arg(counted, const char*)) {
    ++count;
  }
  va_end(counted);
  auto** arguments = static_cast<char**>(__builtin_alloca((count + 1) * sizeof(char*)));
  char** to = arguments;
  for (const char* argument = first; argument != nullptr; argument = va_arg(list, const char*)) {
    *to++ = const_cast<char*>(argument);
  }
  *to = nullptr;
  return exec(arguments);
}

}  // namespace
}  // namespace flarestack::agent

using namespace flarestack::agent;  // NOLINT: hooks are C functions of the global namespace

FLARESTACK_HOOK int execve(const char* path, char* const arguments[], char* const environment[]) noexcept {
  return exec_with(path, environment, [&](char* const* with) { return next().execve(path, arguments, with); });
}

FLARESTACK_HOOK int execv(const char* path, char* const arguments[]) noexcept {
  return execve(path, arguments, *next().environ);
}

FLARESTACK_HOOK int execvpe(const char* file, char* const arguments[], char* const environment[]) noexcept {
  char buffer[kMaxPathBytes];
  const char* path = following(true) == Following::kFollow ? find_in_path(file, buffer) : file;
  return exec_with(path, environment, [&](char* const* with) { return next().execvpe(file, arguments, with); });
}

FLARESTACK_HOOK int execvp(const char* file, char* const arguments[]) noexcept {
  return execvpe(file, arguments, *next().environ);
}

FLARESTACK_HOOK int fexecve(int descriptor, char* const arguments[], char* const environment[]) noexcept {
  char buffer[kMaxPathBytes];
  return exec_with(path_at(descriptor, "", buffer), environment,
                   [&](char* const* with) { return next().fexecve(descriptor, arguments, with); });
}

FLARESTACK_HOOK int execveat(int directory, const char* path, char* const arguments[], char* const environment[],
                             int flags) noexcept {
  char buffer[kMaxPathBytes];
  return exec_with(path_at(directory, path, buffer), environment,
                   [&](char* const* with) { return next().execveat(directory, path, arguments, with, flags); });
}

FLARESTACK_HOOK int execl(const char* path, const char* argument, ...) noexcept {
  va_list list;
  va_start(list, argument);
  const int result =
      exec_list(argument, list, [&](char** arguments) { return execve(path, arguments, *next().environ); });
  va_end(list);
  return result;
}

FLARESTACK_HOOK int execlp(const char* file, const char* argument, ...) noexcept {
  va_list list;
  va_start(list, argument);
  const int result =
      exec_list(argument, list, [&](char** arguments) { return execvpe(file, arguments, *next().environ); });
  va_end(list);
  return result;
}

FLARESTACK_HOOK int execle(const char* path, const char* argument, ...) noexcept {
  va_list list;
  va_start(list, argument);
  const int result =
      exec_list(argument, list, [&](char** arguments) { return execve(path, arguments, va_arg(list, char* const*)); });
  va_end(list);
  return result;
}

FLARESTACK_HOOK int posix_spawn(pid_t* pid, const char* path, const posix_spawn_file_actions_t* actions,
                                const posix_spawnattr_t* attributes, char* const arguments[],
                                char* const environment[]) {
  return start_image(false, path, environment, [&](char* const* with) {
    return next().posix_spawn(pid, path, actions, attributes, arguments, with);
  });
}

FLARESTACK_HOOK int posix_spawnp(pid_t* pid, const char* file, const posix_spawn_file_actions_t* actions,
                                 const posix_spawnattr_t* attributes, char* const arguments[],
                                 char* const environment[]) {
  char buffer[kMaxPathBytes];
  const char* path = following(false) == Following::kFollow ? find_in_path(file, buffer) : file;
  return start_image(false, path, environment, [&](char* const* with) {
    return next().posix_spawnp(pid, file, actions, attributes, arguments, with);
  });
}

// These two start their shell inside libc, with `environ` as it is; it inherits the caller's signals.
FLARESTACK_HOOK int system(const char* command) {
  if (!the_agent.session) {
    return next().system(command);
  }
  const ExecSignals saved = reveal_signals();
  const int result = next().system(command);
  hide_signals(saved);
  mark_default(SIGINT);
  mark_default(SIGQUIT);
  return result;
}

FLARESTACK_HOOK _IO_FILE* popen(const char* command, const char* mode) {
  if (!the_agent.session) {
    return next().popen(command, mode);
  }
  const ExecSignals saved = reveal_signals();
  _IO_FILE* result = next().popen(command, mode);
  hide_signals(saved);
  return result;
}
