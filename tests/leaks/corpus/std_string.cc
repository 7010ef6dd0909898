// SPDX-License-Identifier: Apache-2.0
// Strings of today: short ones within, long ones by the start of their block.
#include <string>

#include "corpus.h"

std::string* strings[6];

SITE std::string* site_string() { return new std::string; }
SITE void site_text(std::string* string) { string->assign(100, 'x'); }
SITE void site_short(std::string* string) { string->assign(10, 'x'); }

static void body() {
  for (int i = 0; i < 6; ++i) {
    strings[i] = site_string();
    if (i % 2) {
      site_text(strings[i]);
    } else {
      site_short(strings[i]);
    }
  }
  strings[0] = strings[1] = strings[2] = nullptr;
}

int main() {
  run(body);
  return 0;
}
