// SPDX-License-Identifier: Apache-2.0
// iostream, string streams, formatting: the library's own blocks are no leaks.
#include <fstream>
#include <iostream>
#include <sstream>

#include "corpus.h"

std::ostream* kept;

SITE void site_kept() { kept = new std::ostringstream("text"); }
SITE void site_lost() { new std::istringstream("another text, longer than a short string may be"); }
SITE void site_file() {
  std::ifstream file("/proc/self/comm");
  std::string word;
  file >> word;
}

static void body() {
  site_kept();
  site_lost();
  site_file();
  std::cout << "number " << 5 << std::endl;
  std::cerr << std::hex << 255 << '\n';
}

int main() {
  run(body);
  return 0;
}
