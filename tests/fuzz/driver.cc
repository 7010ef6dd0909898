// SPDX-License-Identifier: Apache-2.0
// Runs a fuzzer without libFuzzer, the same way on every machine: each file of the corpus, then seeded mutations of it.
//
//   x_fuzzer CORPUS... [-runs=N] [-seed=S] [-first=N] [-write=FILE]
//
// Mutation number N depends on the corpus, the seed and N alone, so a failure is repeated by the command it prints;
// -write keeps the last input of such a run. Unlike libFuzzer it does not look at coverage: it is the short run of
// ./check, not a hunt. Each input has kSecondsPerInput before it counts as a hang.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

namespace fs = std::filesystem;

constexpr unsigned kSecondsPerInput = 20;
constexpr size_t kMaxInputBytes = 1U << 20;

struct Options {
  std::vector<std::string> corpus;
  uint64_t runs = 0;
  uint64_t seed = 20260101;
  uint64_t first = 0;
  std::string write;
};

// What runs at the moment, for the message of a crash; a buffer because that is written in a signal handler.
char current_input[4096];

void say_current_input() {
  // The first write that fails ends it; there is nobody to tell.
  const auto say = [](const char* text) { return ::write(STDERR_FILENO, text, std::strlen(text)) > 0; };
  say("\nfuzz: failed on ") && say(current_input) && say("\n");
}

void on_fatal_signal(int signal_number) {
  say_current_input();
  ::signal(signal_number, SIG_DFL);
  ::raise(signal_number);
}

// Every file below the paths, in the order of their names: directory order differs between machines.
std::vector<std::string> corpus_files(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    if (!fs::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path)) {
      if (entry.is_regular_file()) files.push_back(entry.path().string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

class Mutator {
 public:
  Mutator(const std::vector<std::string>& inputs, uint64_t seed, uint64_t run) : inputs_(inputs) {
    std::seed_seq sequence{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32), static_cast<uint32_t>(run),
                           static_cast<uint32_t>(run >> 32)};
    random_.seed(sequence);
  }

  std::string mutate() {
    std::string bytes = any_input();
    for (size_t steps = 1 + below(4); steps != 0; --steps) step(bytes);
    bytes.resize(std::min(bytes.size(), kMaxInputBytes));
    return bytes;
  }

 private:
  // Not std::uniform_int_distribution, whose numbers differ between standard libraries.
  size_t below(size_t bound) { return bound == 0 ? 0 : static_cast<size_t>(random_() % bound); }
  const std::string& any_input() { return inputs_[below(inputs_.size())]; }

  // A range of `text` that is mostly short.
  std::string_view any_part(std::string_view text) {
    const size_t begin = below(text.size());
    return text.substr(begin, below(below(2) == 0 ? 17 : text.size() - begin + 1));
  }

  std::string magic_number() {
    static constexpr uint64_t kNumbers[] = {0,          1,          0x7F,        0x80,      0xFF,
                                            0x7FFF,     0x8000,     0xFFFF,      0x10000,   0x7FFFFFFF,
                                            0x80000000, 0xFFFFFFFF, 0x100000000, INT64_MAX, UINT64_MAX};
    const uint64_t number = kNumbers[below(std::size(kNumbers))];
    std::string bytes(size_t{1} << below(4), '\0');
    std::memcpy(bytes.data(), &number, bytes.size());
    return bytes;
  }

  void step(std::string& bytes) {
    const size_t at = below(bytes.size() + 1);
    switch (below(8)) {
      case 0:
        if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      case 1:
        if (at < bytes.size()) bytes[at] = static_cast<char>(below(256));
        break;
      case 2:
        bytes.resize(at);
        break;
      case 3:
        bytes.erase(at, below(33));
        break;
      case 4:
        bytes.insert(at, magic_number());
        break;
      case 5: {
        const std::string number = magic_number();
        bytes.replace(at, number.size(), number);
        break;
      }
      case 6: {
        const std::string part(any_part(any_input()));
        if (below(2) == 0) {
          bytes.insert(at, part);
        } else {
          bytes.replace(at, part.size(), part);
        }
        break;
      }
      default: {  // the head of one and the tail of another
        const std::string& other = any_input();
        bytes = bytes.substr(0, at) + other.substr(below(other.size() + 1));
        break;
      }
    }
  }

  const std::vector<std::string>& inputs_;
  std::mt19937_64 random_;
};

void run_one(const std::string& bytes) {
  ::alarm(kSecondsPerInput);
  // A copy of just this size, so that a sanitizer sees a read behind the end.
  const std::vector<uint8_t> exact(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
  ::alarm(0);
}

bool parse_number(std::string_view argument, std::string_view name, uint64_t& number) {
  if (!argument.starts_with(name)) return false;
  argument.remove_prefix(name.size());
  const auto [end, error] = std::from_chars(argument.data(), argument.data() + argument.size(), number);
  return error == std::errc() && end == argument.data() + argument.size();
}

bool parse_options(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (!argument.starts_with("-")) {
      options.corpus.emplace_back(argument);
    } else if (argument.starts_with("-write=")) {
      options.write = argument.substr(7);
    } else if (!parse_number(argument, "-runs=", options.runs) && !parse_number(argument, "-seed=", options.seed) &&
               !parse_number(argument, "-first=", options.first)) {
      return false;
    }
  }
  return !options.corpus.empty();
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse_options(argc, argv, options)) {
    std::fprintf(stderr, "usage: %s CORPUS... [-runs=N] [-seed=S] [-first=N] [-write=FILE]\n", argv[0]);
    return 2;
  }
  if (&__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(say_current_input);
  for (const int fatal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM}) ::signal(fatal, on_fatal_signal);

  std::vector<std::string> inputs;
  for (const std::string& path : corpus_files(options.corpus)) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
      std::fprintf(stderr, "fuzz: cannot read %s\n", path.c_str());
      return 1;
    }
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    std::snprintf(current_input, sizeof(current_input), "the file %s", path.c_str());
    run_one(inputs.back());
  }
  if (inputs.empty()) {
    std::fprintf(stderr, "fuzz: no file in the corpus %s\n", options.corpus.front().c_str());
    return 1;
  }
  std::string last;
  for (uint64_t run = options.first; run < options.first + options.runs; ++run) {
    std::snprintf(current_input, sizeof(current_input),
                  "a mutation; repeat it with %s %s -seed=%llu -first=%llu -runs=1", argv[0],
                  options.corpus.front().c_str(), static_cast<unsigned long long>(options.seed),
                  static_cast<unsigned long long>(run));
    last = Mutator(inputs, options.seed, run).mutate();
    if (!options.write.empty()) std::ofstream(options.write, std::ios::binary) << last;
    run_one(last);
  }
  std::printf("fuzz: %zu files and %llu mutations of them, seed %llu\n", inputs.size(),
              static_cast<unsigned long long>(options.runs), static_cast<unsigned long long>(options.seed));
  return 0;
}
