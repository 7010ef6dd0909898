// SPDX-License-Identifier: Apache-2.0
// A shared object that needs nothing, for remote_image_test.cc: its entry works only if relocations were applied,
// zeroed data is zero and data can be written.
namespace {

unsigned long one(unsigned long value) { return value + 1; }
unsigned long two(unsigned long value) { return value * 2; }
using Function = unsigned long (*)(unsigned long);
Function const volatile functions[] = {one, two};
unsigned long written = 5;
unsigned long zeroed[3000];

}  // namespace

extern "C" __attribute__((visibility("default"))) unsigned long fixture_entry(unsigned long a, unsigned long b,
                                                                              unsigned long c) {
  for (unsigned long value : zeroed) {
    if (value != 0) return 0;
  }
  zeroed[2999] = 0;
  written = written + 1;
  return functions[0](a) * 10000 + functions[1](b) * 100 + c + written * 1000000;
}
