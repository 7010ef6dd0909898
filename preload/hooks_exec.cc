// SPDX-License-Identifier: Apache-2.0
// An exec'd image finds the agent again through our two environment variables. The program may have dropped them (env -i,
// a hand-made environment): they are put back. Where the image cannot load the agent LD_PRELOAD is taken out before its
// loader could complain, and the recorder is told why the process will be missing.
//
// All of this may run in a vfork child, on its parent's memory: nothing here outlives the call, and the new environment is
// built on the stack.
#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdarg>
#include <cstring>

#include "preload/agent.h"
#include "preload/hook.h"
#include "preload/next.h"
#include "preload/sampler.h"
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

// Builds the environment for the image at `path` into `list`, with new texts in `text`.
char** build_environment(const char* path, char* const* environment, char** list, char* text) {
  const LoadVerdict verdict = check_loadable(path);
  const char* preload = environment_value(environment, kPreloadVariable);
  const bool load = verdict == LoadVerdict::kLoadable;
  if (!load && verdict != LoadVerdict::kNotFound) {
    send_unrecorded_note(path, static_cast<uint32_t>(verdict));
  }
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

// Whether an exec from here is ours to look after: also in a vfork child, whose process id is its own, but whose parent
// (suspended until the exec) is the one we know.
bool follows_exec() {
  return the_agent.session && the_agent.session.page().off.load(std::memory_order_relaxed) == 0 && the_agent.follow_exec;
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
int with_environment(const char* path, char* const* environment, Call call) {
  auto** list = static_cast<char**>(__builtin_alloca((count_of(environment) + extra_entries()) * sizeof(char*)));
  auto* text = static_cast<char*>(__builtin_alloca(text_bytes(environment)));
  return call(build_environment(path, environment, list, text));
}

template <typename Call>
int exec_with(const char* path, char* const* environment, Call call) {
  if (!follows_exec()) {
    return call(environment);
  }
  const ExecSignals saved = reveal_signals();
  const int result = with_environment(path, environment, call);
  hide_signals(saved);
  return result;
}

// The number of arguments of an execl-like call before its null.
size_t list_length(const char* first, va_list list) {
  size_t count = 0;
  for (const char* argument = first; argument != nullptr; argument = va_arg(list, char*)) {
    ++count;
  }
  return count;
}

// Copies them with their null; `list` then stands behind it.
void copy_list(char** to, const char* first, va_list& list) {
  const char* argument = first;
  while (argument != nullptr) {
    *to++ = const_cast<char*>(argument);
    argument = va_arg(list, char*);
  }
  *to = nullptr;
}

}  // namespace
}  // namespace flarestack::agent

using namespace flarestack::agent;  // NOLINT: hooks are C functions of the global namespace

FLARESTACK_HOOK int execve(const char* path, char* const arguments[], char* const environment[]) noexcept {
  return exec_with(path, environment, [&](char* const* with) { return next().execve(path, arguments, with); });
}

FLARESTACK_HOOK int execv(const char* path, char* const arguments[]) noexcept { return execve(path, arguments, *next().environ); }

FLARESTACK_HOOK int execvpe(const char* file, char* const arguments[], char* const environment[]) noexcept {
  char buffer[kMaxPathBytes];
  const char* path = follows_exec() ? find_in_path(file, buffer) : file;
  return exec_with(path, environment, [&](char* const* with) { return next().execvpe(file, arguments, with); });
}

FLARESTACK_HOOK int execvp(const char* file, char* const arguments[]) noexcept {
  return execvpe(file, arguments, *next().environ);
}

FLARESTACK_HOOK int fexecve(int descriptor, char* const arguments[], char* const environment[]) noexcept {
  char path[] = "/proc/self/fd/0000000000";
  char* digits = path + sizeof(path) - 1;
  for (unsigned value = static_cast<unsigned>(descriptor); digits > path + 14; value /= 10) {
    *--digits = static_cast<char>('0' + value % 10);
  }
  // "/proc/self/fd/0000000003" does not resolve: the number is moved to the front.
  size_t zeros = 14;
  while (zeros + 2 < sizeof(path) && path[zeros] == '0') {
    ++zeros;
  }
  memmove(path + 14, path + zeros, sizeof(path) - zeros);
  return exec_with(path, environment, [&](char* const* with) { return next().fexecve(descriptor, arguments, with); });
}

FLARESTACK_HOOK int execveat(int directory, const char* path, char* const arguments[], char* const environment[],
                             int flags) noexcept {
  return exec_with(path, environment,
                   [&](char* const* with) { return next().execveat(directory, path, arguments, with, flags); });
}

FLARESTACK_HOOK int execl(const char* path, const char* argument, ...) noexcept {
  va_list list;
  va_start(list, argument);
  va_list counted;
  va_copy(counted, list);
  auto** arguments = static_cast<char**>(__builtin_alloca((list_length(argument, counted) + 1) * sizeof(char*)));
  va_end(counted);
  copy_list(arguments, argument, list);
  va_end(list);
  return execve(path, arguments, *next().environ);
}

FLARESTACK_HOOK int execlp(const char* file, const char* argument, ...) noexcept {
  va_list list;
  va_start(list, argument);
  va_list counted;
  va_copy(counted, list);
  auto** arguments = static_cast<char**>(__builtin_alloca((list_length(argument, counted) + 1) * sizeof(char*)));
  va_end(counted);
  copy_list(arguments, argument, list);
  va_end(list);
  return execvpe(file, arguments, *next().environ);
}

FLARESTACK_HOOK int execle(const char* path, const char* argument, ...) noexcept {
  va_list list;
  va_start(list, argument);
  va_list counted;
  va_copy(counted, list);
  auto** arguments = static_cast<char**>(__builtin_alloca((list_length(argument, counted) + 1) * sizeof(char*)));
  va_end(counted);
  copy_list(arguments, argument, list);
  char* const* environment = va_arg(list, char* const*);
  va_end(list);
  return execve(path, arguments, environment);
}

FLARESTACK_HOOK int posix_spawn(pid_t* pid, const char* path, const posix_spawn_file_actions_t* actions,
                                const posix_spawnattr_t* attributes, char* const arguments[], char* const environment[]) {
  const auto call = [&](char* const* with) { return next().posix_spawn(pid, path, actions, attributes, arguments, with); };
  return follows_exec() ? with_environment(path, environment, call) : call(environment);
}

FLARESTACK_HOOK int posix_spawnp(pid_t* pid, const char* file, const posix_spawn_file_actions_t* actions,
                                 const posix_spawnattr_t* attributes, char* const arguments[], char* const environment[]) {
  const auto call = [&](char* const* with) { return next().posix_spawnp(pid, file, actions, attributes, arguments, with); };
  char buffer[kMaxPathBytes];
  return follows_exec() ? with_environment(find_in_path(file, buffer), environment, call) : call(environment);
}
