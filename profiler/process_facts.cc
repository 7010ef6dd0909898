// SPDX-License-Identifier: Apache-2.0
#include "profiler/process_facts.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gelf.h>

#include "base/fd.h"
#include "profiler/elf_layout.h"

namespace flarestack {

namespace {

std::string proc_path(pid_t pid, std::string_view name) { return fmt::format("/proc/{}/{}", pid, name); }

std::string read_or_empty(const std::string& path) {
  Result<std::string> text = read_file(path);
  return text.ok() ? *text : std::string();
}

std::string link_target(const std::string& path) {
  std::array<char, 4096> target;
  ssize_t size_bytes = readlink(path.c_str(), target.data(), target.size());
  return size_bytes < 0 ? std::string() : std::string(target.data(), static_cast<size_t>(size_bytes));
}

// The text after "KEY:" and the tab in /proc/PID/status, to the end of the line.
std::string_view status_field(std::string_view status, std::string_view key) {
  std::string start = fmt::format("\n{}:\t", key);
  size_t position = status.find(start);
  if (position == std::string_view::npos) return {};
  std::string_view rest = status.substr(position + start.size());
  return rest.substr(0, rest.find('\n'));
}

template <typename Number>
Number number(std::string_view text, int base = 10) {
  Number value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

// The effective one of "real effective saved file".
uid_t effective_user(std::string_view uids) {
  size_t tab = uids.find('\t');
  return tab == std::string_view::npos ? uid_t{0} : number<uid_t>(uids.substr(tab + 1));
}

std::string quote(std::string_view word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,@%+";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos) return std::string(word);
  std::string quoted = "'";
  for (char c : word) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

std::string quote_command_line(std::string_view words) {
  std::string line;
  while (!words.empty()) {
    size_t end = words.find('\0');
    if (!line.empty()) line += ' ';
    line += quote(words.substr(0, end));
    words.remove_prefix(end == std::string_view::npos ? words.size() : end + 1);
  }
  return line;
}

void read_status(ProcessFacts& facts, std::string_view status) {
  facts.name = status.substr(status.find('\t') + 1, status.find('\n') - status.find('\t') - 1);
  std::string_view state = status_field(status, "State");
  if (!state.empty()) facts.state = state.front();
  facts.owner = effective_user(status_field(status, "Uid"));
  facts.tracer = number<pid_t>(status_field(status, "TracerPid"));
  std::string_view seccomp = status_field(status, "Seccomp");
  facts.seccomp_filtered = !seccomp.empty() && seccomp != "0";
}

// By its number in linux/capability.h.
bool has_capability(unsigned number_of_it) {
  std::string status = read_or_empty("/proc/self/status");
  return ((number<uint64_t>(status_field(status, "CapEff"), 16) >> number_of_it) & 1) != 0;
}

std::string interpreter_of(Elf* elf) {
  size_t count = 0;
  if (elf_getphdrnum(elf, &count) != 0) return {};
  size_t file_bytes = 0;
  const char* file = elf_rawfile(elf, &file_bytes);
  for (size_t i = 0; i < count && file != nullptr; ++i) {
    GElf_Phdr segment;
    if (gelf_getphdr(elf, static_cast<int>(i), &segment) == nullptr || segment.p_type != PT_INTERP) continue;
    if (segment.p_offset >= file_bytes || segment.p_filesz > file_bytes - segment.p_offset) return {};
    std::string_view path(file + segment.p_offset, segment.p_filesz);
    return std::string(path.substr(0, path.find('\0')));
  }
  return {};
}

void read_program(ProcessFacts& facts) {
  // Through /proc, so that a deleted program and one in another mount namespace are found as well.
  std::string link = proc_path(facts.pid, "exe");
  facts.program_path = link_target(link);
  Result<Fd> file = open_file(link, O_RDONLY);
  if (!file.ok()) return;
  struct stat status {};
  if (fstat(file->get(), &status) == 0) facts.changes_user = (status.st_mode & (S_ISUID | S_ISGID)) != 0;
  elf_version(EV_CURRENT);
  Elf* elf = elf_begin(file->get(), ELF_C_READ_MMAP, nullptr);
  GElf_Ehdr header;
  if (gelf_getehdr(elf, &header) != nullptr) {
    facts.interpreter = interpreter_of(elf);
    if (header.e_machine != EM_X86_64 && header.e_machine != EM_386) {
      facts.program_kind = ProgramKind::kOtherMachine;
    } else if (header.e_ident[EI_CLASS] != ELFCLASS64) {
      facts.program_kind = ProgramKind::k32Bit;
    } else {
      facts.program_kind = facts.interpreter.empty() ? ProgramKind::kStatic : ProgramKind::kDynamic;
    }
  }
  elf_end(elf);
  facts.is_go = ElfLayout::read(file->get()).is_go;
}

// A namespace that cannot be read is taken for ours: no warning without a fact.
bool differs_from_ours(pid_t pid, std::string_view name) {
  std::string theirs = link_target(proc_path(pid, name));
  return !theirs.empty() && theirs != link_target(fmt::format("/proc/self/{}", name));
}

bool is_kernel_thread(pid_t pid) {
  // Field 9 of /proc/PID/stat, counted from behind the name, which may hold anything.
  std::string stat = read_or_empty(proc_path(pid, "stat"));
  size_t position = stat.rfind(')');
  if (position == std::string::npos) return false;
  std::string_view rest = std::string_view(stat).substr(position + 1);
  for (int field = 3; field < 9; ++field) {
    size_t next = rest.find(' ', 1);
    if (next == std::string_view::npos) return false;
    rest.remove_prefix(next);
  }
  constexpr uint64_t kPfKthread = 0x00200000;  // linux/sched.h
  return (number<uint64_t>(rest.substr(1)) & kPfKthread) != 0;
}

}  // namespace

ProcessFacts gather_process_facts(pid_t pid) {
  ProcessFacts facts;
  facts.pid = pid;
  facts.our_user = geteuid();
  constexpr unsigned kCapSysPtrace = 19;
  constexpr unsigned kCapSysAdmin = 21;
  facts.can_trace = has_capability(kCapSysPtrace);
  facts.can_suspend_filters = has_capability(kCapSysAdmin);
  std::string status = read_or_empty(proc_path(pid, "status"));
  if (pid <= 0 || status.empty()) return facts;

  facts.exists = true;
  read_status(facts, status);
  facts.is_kernel_thread = is_kernel_thread(pid);
  facts.command_line = quote_command_line(read_or_empty(proc_path(pid, "cmdline")));
  if (facts.tracer != 0) {
    facts.tracer_name = read_or_empty(proc_path(facts.tracer, "comm"));
    if (!facts.tracer_name.empty()) facts.tracer_name.pop_back();
  }
  if (!facts.is_kernel_thread && facts.state != 'Z') read_program(facts);
  facts.other_mounts = differs_from_ours(pid, "ns/mnt");
  facts.other_pids = differs_from_ours(pid, "ns/pid");
  return facts;
}

}  // namespace flarestack
