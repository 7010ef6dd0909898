// SPDX-License-Identifier: Apache-2.0
#include "model/activity.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace flarestack {
namespace {

// In the order of Activity.
constexpr std::array<ActivityText, kActivities> kTexts = {{
    {"cpu.function", "", "", ""},
    {"cpu.allocation", "memory allocation",
     "each block that is allocated and freed costs some tens of nanoseconds in the allocator, and more where threads "
     "share blocks",
     "allocate less often: keep and reuse buffers, reserve() before filling, hold small objects by value or in an "
     "arena"},
    {"cpu.copying", "copying and clearing memory",
     "bytes are moved or cleared one block after the other, at the speed of the memory once they outgrow the caches",
     "pass by reference, move instead of copying, do not clear what is overwritten at once, use smaller elements"},
    {"cpu.text", "comparing and searching text",
     "strings or blocks of memory are walked byte by byte, often the same ones again",
     "keep lengths instead of strlen(), compare hashes or interned pointers first, search once and remember the "
     "position"},
    {"cpu.formatting", "formatting and parsing numbers and text",
     "format strings are interpreted at run time, and locales are asked for each number",
     "std::to_chars and std::from_chars for numbers, one format call for a line, less output"},
    {"cpu.streams", "buffered input and output",
     "each call locks the stream and checks its state, whatever it transfers",
     "transfer more at once (fread, getline into one buffer, write whole blocks), or the _unlocked functions in one "
     "thread"},
    {"cpu.tree", "ordered maps and sets",
     "each step down a red-black tree is a jump to another place in memory, mostly a cache miss",
     "a hash table where order does not matter, a sorted vector where it rarely changes, one lookup where there are "
     "two"},
    {"cpu.hash", "hash tables",
     "each element of std::unordered_map is a node of its own: a lookup is a hash, a division and several cache misses",
     "look up once and keep the iterator, reserve(), an open-addressing table (absl::flat_hash_map), a cheaper hash"},
    {"cpu.sorting", "sorting", "a sort compares and moves n log n times",
     "sort less often, keep it sorted, nth_element or partial_sort where a part is enough, a cheaper comparison"},
    {"cpu.regex", "regular expressions",
     "std::regex and the C library's are slow engines that allocate while they match",
     "compile each expression once, use plain string functions for plain text, or RE2 or PCRE2"},
    {"cpu.exceptions", "throwing exceptions",
     "each throw looks up every frame's unwind table and walks the stack twice: microseconds each",
     "return errors where they are expected, and keep exceptions for what is rare"},
    {"cpu.refcounts", "reference counts",
     "every copy of a shared pointer is an atomic operation, and threads that share one take the cache line from each "
     "other",
     "pass shared_ptr by reference, hold unique_ptr where one owner is enough, move instead of copying"},
    {"cpu.dynamic_cast", "dynamic casts", "a dynamic_cast compares type names up the hierarchy",
     "a virtual function, a stored kind and static_cast, or std::variant"},
    {"cpu.locking", "locks",
     "an uncontended lock is two atomic operations; a contended one also spins and enters the kernel",
     "lock less often and for longer stretches, one lock for each thread's own data, atomics for counters"},
    {"cpu.math", "mathematical functions",
     "each call of exp, log, pow, sin and their kin takes tens of nanoseconds and cannot be vectorised without a "
     "library for it",
     "take them out of the loop, use a cheaper form (x * x for pow), float where it is enough, -ffast-math with a "
     "vector math library where its rules are acceptable"},
    {"cpu.clock", "asking for the time",
     "each call reads the processor's counter, and where the kernel does not trust it enters the kernel",
     "ask once for a batch of work"},
    {"cpu.loading", "starting and loading libraries",
     "the loader maps libraries and looks up their symbols, before main() and at each dlopen",
     "link fewer libraries, prelink with -Wl,-z,now off (lazy binding), one process for many tasks"},
    {"cpu.system_calls", "system calls", "the time is the kernel's, on behalf of the calls",
     "fewer and larger calls (buffers, readv, batches), or none (a cache, mmap)"},
    {"cpu.kernel", "the kernel: page faults and interrupts",
     "memory that is touched for the first time faults in page by page, and is cleared",
     "reuse memory instead of returning it (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD), touch less, huge pages for large "
     "arrays"},
    {"cpu.kernel_alone", "the kernel, for no known function",
     "system calls, page faults, the start and the end of processes: how much is counted, by whom is not known",
     "`record --clock wall` shows the calls that wait, `perf trace -s` counts all of them"},
    {"cpu.recording", "", "", ""},
    {"wait.lock", "waiting for locks", "another thread holds the lock",
     "hold it for less long, no slow call under it, split it, or one copy a thread"},
    {"wait.condition", "waiting for a condition or a semaphore",
     "another thread has not signalled yet; a thread that waits for work is no bottleneck, one that others wait for is",
     "look at what the signalling thread does meanwhile"},
    {"wait.sleep", "sleeping", "the program asked to sleep",
     "wait for the event itself (a condition variable, poll) instead of a fixed time, or for less long"},
    {"wait.disk", "waiting for the disk", "the call returns when the storage has the data",
     "fewer and larger writes, fsync once for a batch, read ahead, another thread"},
    {"wait.network", "waiting for the network", "the other side has not answered, or not taken the data",
     "ask for several things at once, keep connections open, fetch ahead"},
    {"wait.events", "waiting for events", "nothing has arrived; a server that waits here is idle",
     "nothing, unless the work could have come sooner"},
    {"wait.child", "waiting for a child process", "the child's time is in its own part of the recording",
     "run children side by side, or do their work in the process"},
    {"wait.thread", "waiting for a thread to end", "the other thread's time is in its own part of the recording",
     "more threads, or parts of equal size"},
    {"wait.input", "waiting for input or a pipe", "the other end has not written, or not read, yet",
     "look at the other end"},
    {"wait.processor", "ready, but no processor was free",
     "more threads, of this program or others, were ready than there are processors",
     "fewer threads at once, or a less busy machine"},
    {"wait.other", "waiting", "the kernel has not returned from the call", "look at the call"},
}};

// A pattern: a name; with * at its end what begins so, with * in front what contains it.
struct Name {
  std::string_view pattern;
  Activity kind;
};

using enum Activity;
// libstdc++, libc++, glibc, musl, libgcc, and the allocators, in the words of their sources.
constexpr Name kNames[] = {
    // clang-format off
    {"malloc", kAllocation}, {"calloc", kAllocation}, {"realloc", kAllocation}, {"free", kAllocation}, {"cfree", kAllocation},
    {"reallocarray", kAllocation}, {"aligned_alloc", kAllocation}, {"posix_memalign", kAllocation}, {"memalign", kAllocation},
    {"operator new*", kAllocation}, {"operator delete*", kAllocation}, {"_int_malloc", kAllocation}, {"_int_free*", kAllocation},
    {"_int_realloc", kAllocation}, {"__libc_malloc", kAllocation}, {"__libc_free", kAllocation}, {"__libc_calloc", kAllocation},
    {"__libc_realloc", kAllocation}, {"malloc_consolidate", kAllocation}, {"malloc_trim", kAllocation}, {"sysmalloc", kAllocation},
    {"systrim*", kAllocation}, {"unlink_chunk*", kAllocation}, {"arena_get*", kAllocation}, {"tcache_*", kAllocation}, {"je_*", kAllocation},
    {"tc_*", kAllocation}, {"mi_*", kAllocation}, {"tcmalloc::*", kAllocation}, {"__gnu_cxx::new_allocator*", kAllocation},
    {"std::__new_allocator*", kAllocation}, {"std::allocator*", kAllocation}, {"__rust_alloc*", kAllocation}, {"__rust_dealloc*", kAllocation},
    {"PyObject_*alloc", kAllocation}, {"_PyObject_*alloc", kAllocation}, {"PyMem_*", kAllocation}, {"_PyMem_*", kAllocation}, {"PyObject_Free", kAllocation},
    {"_PyObject_Free", kAllocation}, {"pymalloc_*", kAllocation}, {"strdup", kAllocation}, {"__strdup", kAllocation},
    {"memcpy*", kCopying}, {"memmove*", kCopying}, {"memset*", kCopying}, {"__memcpy*", kCopying}, {"__memmove*", kCopying},
    {"__memset*", kCopying}, {"mempcpy*", kCopying}, {"__mempcpy*", kCopying}, {"bzero", kCopying}, {"strcpy*", kCopying}, {"strncpy*", kCopying},
    {"stpcpy*", kCopying}, {"strcat*", kCopying}, {"__strcpy*", kCopying}, {"__stpcpy*", kCopying}, {"std::copy*", kCopying}, {"std::fill*", kCopying},
    {"std::__copy_move*", kCopying}, {"std::__fill*", kCopying}, {"std::uninitialized_*", kCopying}, {"std::__uninitialized_*", kCopying},
    {"memcmp*", kText}, {"__memcmp*", kText}, {"memchr*", kText}, {"__memchr*", kText}, {"memrchr*", kText}, {"__memrchr*", kText},
    {"rawmemchr*", kText}, {"__rawmemchr*", kText}, {"strlen*", kText}, {"__strlen*", kText}, {"strnlen*", kText}, {"__strnlen*", kText},
    {"strcmp*", kText}, {"__strcmp*", kText}, {"strncmp*", kText}, {"__strncmp*", kText}, {"strcasecmp*", kText}, {"__strcasecmp*", kText},
    {"strncasecmp*", kText}, {"__strncasecmp*", kText}, {"strchr*", kText}, {"__strchr*", kText}, {"strrchr*", kText}, {"__strrchr*", kText},
    {"strstr*", kText}, {"__strstr*", kText}, {"memmem*", kText}, {"strspn*", kText}, {"strcspn*", kText}, {"strpbrk*", kText}, {"strtok*", kText},
    {"strcoll*", kText}, {"__strcoll*", kText},
    {"printf", kFormatting}, {"fprintf", kFormatting}, {"sprintf", kFormatting}, {"snprintf", kFormatting}, {"vprintf", kFormatting},
    {"vfprintf", kFormatting}, {"vsnprintf", kFormatting}, {"vsprintf", kFormatting}, {"asprintf", kFormatting}, {"vasprintf", kFormatting},
    {"__printf*", kFormatting}, {"__fprintf*", kFormatting}, {"__sprintf*", kFormatting}, {"__snprintf*", kFormatting}, {"__vfprintf*", kFormatting},
    {"__vsnprintf*", kFormatting}, {"___*printf_chk", kFormatting}, {"_itoa_word", kFormatting}, {"scanf", kFormatting}, {"fscanf", kFormatting},
    {"sscanf", kFormatting}, {"__isoc*scanf*", kFormatting}, {"__isoc99_*", kFormatting}, {"__isoc23_*", kFormatting}, {"__vfscanf*", kFormatting},
    {"strtol*", kFormatting}, {"strtoul*", kFormatting}, {"strtod*", kFormatting}, {"strtof*", kFormatting}, {"__strto*", kFormatting},
    {"____strto*", kFormatting}, {"atoi", kFormatting}, {"atof", kFormatting}, {"atol", kFormatting}, {"std::to_string*", kFormatting},
    {"std::__cxx11::to_string*", kFormatting}, {"std::__cxx11::stoi*", kFormatting}, {"std::stoi*", kFormatting}, {"std::stod*", kFormatting},
    {"std::from_chars*", kFormatting}, {"std::to_chars*", kFormatting}, {"std::num_put*", kFormatting}, {"std::num_get*", kFormatting},
    {"std::ostream::_M_insert*", kFormatting}, {"std::istream::_M_extract*", kFormatting}, {"std::operator<<*", kFormatting},
    {"std::operator>>*", kFormatting}, {"strftime*", kFormatting}, {"__strftime*", kFormatting}, {"std::put_time*", kFormatting},
    {"std::vformat*", kFormatting}, {"std::format*", kFormatting}, {"fmt::*", kFormatting}, {"core::fmt::*", kFormatting}, {"alloc::fmt::*", kFormatting},
    {"fread*", kStreams}, {"fwrite*", kStreams}, {"fgets*", kStreams}, {"fputs*", kStreams}, {"fgetc", kStreams}, {"fputc", kStreams},
    {"getc", kStreams}, {"putc", kStreams}, {"_IO_getc", kStreams}, {"_IO_putc", kStreams}, {"getchar", kStreams}, {"putchar", kStreams},
    {"puts", kStreams}, {"_IO_fgets", kStreams}, {"_IO_fputs", kStreams}, {"_IO_fwrite", kStreams}, {"_IO_fread", kStreams}, {"_IO_puts", kStreams},
    {"getline", kStreams}, {"getdelim", kStreams}, {"__getdelim", kStreams}, {"std::getline*", kStreams}, {"fflush*", kStreams},
    {"std::ostream::*", kStreams}, {"std::istream::*", kStreams}, {"std::basic_ostream*", kStreams}, {"std::basic_istream*", kStreams},
    {"std::basic_filebuf*", kStreams}, {"std::basic_streambuf*", kStreams},
    {"std::_Rb_tree*", kTree}, {"std::map<*", kTree}, {"std::set<*", kTree}, {"std::multimap<*", kTree}, {"std::multiset<*", kTree},
    {"std::_Rb_tree_increment*", kTree}, {"std::__tree*", kTree}, {"local_Rb_tree*", kTree}, {"alloc::collections::btree*", kTree}, {"tsearch", kTree}, {"tfind", kTree},
    {"std::_Hashtable*", kHashTable}, {"std::unordered_*", kHashTable}, {"std::_Hash_bytes*", kHashTable}, {"std::__hash_table*", kHashTable},
    {"std::__detail::_Map_base*", kHashTable}, {"std::__detail::_Prime_rehash*", kHashTable}, {"std::__detail::_Hashtable*", kHashTable},
    {"std::__detail::_Insert*", kHashTable}, {"std::hash*", kHashTable}, {"std::__detail::_Mod*", kHashTable}, {"hsearch*", kHashTable},
    {"absl::container_internal::*", kHashTable}, {"boost::unordered::*", kHashTable}, {"hashbrown::*", kHashTable},
    {"std::sort*", kSorting}, {"std::stable_sort*", kSorting}, {"std::partial_sort*", kSorting}, {"std::nth_element*", kSorting},
    {"std::__sort*", kSorting}, {"std::__introsort*", kSorting}, {"std::__final_insertion*", kSorting}, {"std::__merge_sort*", kSorting},
    {"std::__inplace_stable_sort*", kSorting}, {"std::__stable_sort*", kSorting}, {"std::__unguarded_*", kSorting}, {"std::__insertion_sort*", kSorting},
    {"std::__heap_select*", kSorting}, {"std::__adjust_heap*", kSorting}, {"qsort", kSorting}, {"qsort_r", kSorting}, {"__qsort_r", kSorting}, {"msort_with_tmp*", kSorting},
    {"core::slice::sort*", kSorting}, {"alloc::slice::*sort*", kSorting},
    {"std::regex_*", kRegex}, {"std::__detail::_Executor*", kRegex}, {"std::__detail::_Compiler*", kRegex}, {"std::__detail::_NFA*", kRegex},
    {"std::__detail::_Regex*", kRegex}, {"std::__cxx11::basic_regex*", kRegex}, {"std::__cxx11::regex_*", kRegex}, {"regexec", kRegex}, {"regcomp", kRegex},
    {"re_search*", kRegex}, {"re_match*", kRegex}, {"__re_search*", kRegex},
    {"__cxa_throw", kExceptions}, {"__cxa_rethrow", kExceptions}, {"__cxa_begin_catch", kExceptions}, {"__cxa_end_catch", kExceptions},
    {"__cxa_allocate_exception", kExceptions}, {"__cxa_free_exception", kExceptions}, {"_Unwind_*", kExceptions}, {"__gxx_personality*", kExceptions},
    {"std::_Sp_counted*", kReferenceCounts}, {"std::__shared_count*", kReferenceCounts}, {"std::__shared_ptr*", kReferenceCounts},
    {"std::shared_ptr*", kReferenceCounts}, {"std::__weak_count*", kReferenceCounts}, {"std::weak_ptr*", kReferenceCounts},
    {"__gnu_cxx::__exchange_and_add*", kReferenceCounts}, {"__gnu_cxx::__atomic_add*", kReferenceCounts}, {"alloc::sync::Arc*", kReferenceCounts},
    {"__dynamic_cast", kDynamicCast}, {"__cxxabiv1::*", kDynamicCast},
    {"pthread_mutex_*", kLocking}, {"__pthread_mutex_*", kLocking}, {"___pthread_mutex_*", kLocking}, {"pthread_rwlock_*", kLocking}, {"__pthread_rwlock_*", kLocking},
    {"___pthread_rwlock_*", kLocking}, {"pthread_spin_*", kLocking}, {"__pthread_spin_*", kLocking}, {"__lll_lock*", kLocking}, {"lll_lock*", kLocking}, {"__lll_unlock*", kLocking},
    {"std::mutex::*", kLocking}, {"std::lock_guard*", kLocking}, {"std::unique_lock*", kLocking}, {"std::shared_mutex*", kLocking}, {"std::scoped_lock*", kLocking},
    {"std::recursive_mutex*", kLocking},
    {"clock_gettime", kClock}, {"__clock_gettime*", kClock}, {"__vdso_clock_gettime", kClock}, {"gettimeofday", kClock}, {"time", kClock}, {"std::chrono::*::now*", kClock},
    {"std::chrono::_V2::*", kClock},
    {"_dl_*", kLoading}, {"dlopen*", kLoading}, {"dlsym*", kLoading}, {"do_lookup*", kLoading}, {"__dlopen", kLoading}, {"elf_machine_*", kLoading}, {"_dl_start*", kLoading},
    // clang-format on
};

// Calls in which a thread can stay, and those that enter the kernel, by the names of libc's functions.
constexpr Name kWaits[] = {
    // clang-format off
    {"pthread_mutex_*", kWaitForLock}, {"___pthread_mutex_*", kWaitForLock}, {"__pthread_mutex_*", kWaitForLock}, {"pthread_rwlock_*", kWaitForLock},
    {"___pthread_rwlock_*", kWaitForLock}, {"__pthread_rwlock_*", kWaitForLock}, {"__lll_lock_wait*", kWaitForLock}, {"std::mutex::lock*", kWaitForLock},
    {"std::shared_mutex*", kWaitForLock}, {"std::lock_guard*", kWaitForLock}, {"std::unique_lock*::lock*", kWaitForLock}, {"std::recursive_mutex*", kWaitForLock}, {"flock", kWaitForLock}, {"lockf*", kWaitForLock},
    {"pthread_cond_*", kWaitForCondition}, {"___pthread_cond_*", kWaitForCondition}, {"__pthread_cond_*", kWaitForCondition}, {"sem_wait*", kWaitForCondition},
    {"sem_timedwait", kWaitForCondition}, {"sem_clockwait", kWaitForCondition}, {"__new_sem_wait*", kWaitForCondition}, {"std::condition_variable*", kWaitForCondition},
    {"std::__condvar*", kWaitForCondition}, {"std::future*", kWaitForCondition}, {"std::__basic_future*", kWaitForCondition}, {"pthread_barrier_wait*", kWaitForCondition},
    {"__pthread_barrier_wait", kWaitForCondition}, {"std::__atomic_futex*", kWaitForCondition}, {"std::counting_semaphore*", kWaitForCondition},
    {"nanosleep", kWaitInSleep}, {"__nanosleep", kWaitInSleep}, {"clock_nanosleep", kWaitInSleep}, {"usleep", kWaitInSleep}, {"sleep", kWaitInSleep},
    {"std::this_thread::sleep*", kWaitInSleep}, {"pause", kWaitInSleep}, {"sigsuspend", kWaitInSleep}, {"thrd_sleep", kWaitInSleep},
    {"fsync", kWaitForDisk}, {"fdatasync", kWaitForDisk}, {"sync", kWaitForDisk}, {"syncfs", kWaitForDisk}, {"msync", kWaitForDisk}, {"pread*", kWaitForDisk},
    {"pwrite*", kWaitForDisk}, {"open", kWaitForDisk}, {"open64", kWaitForDisk}, {"openat*", kWaitForDisk}, {"stat*", kWaitForDisk}, {"fstat*", kWaitForDisk}, {"unlink", kWaitForDisk},
    {"rename", kWaitForDisk}, {"close", kWaitForDisk}, {"ftruncate*", kWaitForDisk}, {"fallocate*", kWaitForDisk}, {"getdents*", kWaitForDisk}, {"readdir*", kWaitForDisk}, {"io_getevents", kWaitForDisk},
    {"recv*", kWaitForNetwork}, {"send*", kWaitForNetwork}, {"accept*", kWaitForNetwork}, {"connect", kWaitForNetwork}, {"getaddrinfo", kWaitForNetwork}, {"gethostbyname*", kWaitForNetwork},
    {"__libc_recv*", kWaitForNetwork}, {"__libc_send*", kWaitForNetwork}, {"__libc_accept*", kWaitForNetwork}, {"__libc_connect", kWaitForNetwork},
    {"epoll_*", kWaitForEvents}, {"poll", kWaitForEvents}, {"__poll", kWaitForEvents}, {"ppoll", kWaitForEvents}, {"select", kWaitForEvents}, {"__select", kWaitForEvents}, {"pselect*", kWaitForEvents},
    {"sigwait*", kWaitForEvents}, {"sigtimedwait", kWaitForEvents}, {"io_uring_*", kWaitForEvents}, {"msgrcv", kWaitForEvents}, {"mq_*", kWaitForEvents}, {"semop", kWaitForEvents},
    {"wait", kWaitForChild}, {"__wait", kWaitForChild}, {"wait3", kWaitForChild}, {"wait4", kWaitForChild}, {"__wait4*", kWaitForChild}, {"waitpid", kWaitForChild}, {"__waitpid", kWaitForChild}, {"waitid", kWaitForChild},
    {"system", kWaitForChild}, {"do_system", kWaitForChild}, {"pclose", kWaitForChild}, {"posix_spawn*", kWaitForChild}, {"vfork", kWaitForChild},
    {"pthread_join", kWaitForThread}, {"__pthread_clockjoin*", kWaitForThread}, {"pthread_timedjoin_np", kWaitForThread}, {"std::thread::join*", kWaitForThread}, {"std::jthread*", kWaitForThread}, {"thrd_join", kWaitForThread},
    {"read", kWaitForInput}, {"__read", kWaitForInput}, {"__libc_read", kWaitForInput}, {"readv", kWaitForInput}, {"write", kWaitForInput}, {"__write", kWaitForInput}, {"__libc_write", kWaitForInput}, {"writev", kWaitForInput},
    {"__GI___libc_read", kWaitForInput}, {"__GI___libc_write", kWaitForInput}, {"fread*", kWaitForInput}, {"fgets*", kWaitForInput}, {"getchar", kWaitForInput}, {"getline", kWaitForInput}, {"splice", kWaitForInput},
    // clang-format on
};

bool matches(std::string_view name, std::string_view pattern) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return name == pattern;
  const std::string_view front = pattern.substr(0, star);
  const std::string_view behind = pattern.substr(star + 1);
  if (!name.starts_with(front)) return false;
  if (behind.empty()) return true;
  const std::string_view part = behind.substr(0, behind.find('*'));
  return name.find(part, star) != std::string_view::npos;
}

template <size_t Count>
Activity kind_of(std::string_view name, const Name (&names)[Count], Activity otherwise) {
  for (const Name& each : names) {
    if (matches(name, each.pattern)) return each.kind;
  }
  return otherwise;
}

// Without a symbol's version: "memcpy@@GLIBC_2.14".
std::string_view plain_name(const Function& function) {
  const std::string_view name = qualified_name(function.name);
  return name.substr(0, name.find('@'));
}

}  // namespace

const ActivityText& activity_text(Activity kind) { return kTexts[static_cast<size_t>(kind)]; }

ActivityFinder::ActivityFinder(const Profile& profile)
    : profile_(profile), work_(profile.functions.size(), kWaitOther), wait_(profile.functions.size(), kOwn) {}

ActivityAt ActivityFinder::find(const StackPlace& place, bool is_waiting) {
  return is_waiting ? waiting(place) : working(place);
}

ActivityAt ActivityFinder::waiting(const StackPlace& place) {
  for (auto at = place.library.rbegin(); at != place.library.rend(); ++at) {
    Activity& kind = wait_[profile_.locations[*at].function];
    if (kind == kOwn) kind = kind_of(plain_name(function_at(*at)), kWaits, kWaitOther);
    if (kind != kWaitOther) return {kind, *at};
  }
  if (!place.library.empty()) return {kWaitOther, place.library.back()};
  if (place.path.empty()) return {kWaitOther, kNoIndex};
  const uint32_t call = place.path.front();
  return {function_at(call).name == "[waiting for a CPU]" ? kWaitForProcessor : kWaitOther, call};
}

ActivityAt ActivityFinder::working(const StackPlace& place) {
  const auto is_kernel = [this](uint32_t location) { return function_at(location).type == FrameType::kKernel; };
  const std::vector<uint32_t>& library = place.library;
  if (!library.empty() && function_at(library.front()).name == "[flarestack]") return {kRecording, kNoIndex};
  for (auto at = library.rbegin(); at != library.rend() && !is_kernel(*at); ++at) {
    const Function& function = function_at(*at);
    Activity& kind = work_[profile_.locations[*at].function];
    if (kind == kWaitOther)
      kind = function.module.starts_with("libm.so") ? kMathematics : kind_of(plain_name(function), kNames, kOwn);
    if (kind != kOwn) return {kind, *at};
  }
  if (library.empty()) {
    const bool is_startup = !place.path.empty() && function_at(place.path.front()).name == "[startup]";
    return is_startup ? ActivityAt{kLoading, place.path.front()} : ActivityAt{};
  }
  if (!is_kernel(library.front())) return {};
  // The innermost function that is not the kernel's says what it was asked for.
  const auto call = std::find_if_not(library.begin(), library.end(), is_kernel);
  if (call != library.end()) return {kSystemCalls, *call};
  return {place.found ? kKernel : kKernelAlone, library.front()};
}

}  // namespace flarestack
