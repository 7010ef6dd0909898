// SPDX-License-Identifier: Apache-2.0
// C++ locales and their facets.
#include <iomanip>
#include <locale>
#include <sstream>

#include "corpus.h"

struct Grouped : std::numpunct<char> {
  char do_thousands_sep() const override { return '\''; }
  std::string do_grouping() const override { return "\3"; }
};

SITE std::string site_number(long number) {
  std::ostringstream out;
  out.imbue(std::locale(out.getloc(), new Grouped));
  out << number << std::put_time(std::gmtime(&number), "%A");
  return out.str();
}
SITE void site_lost() { new std::locale("C"); }

static void body() {
  puts(site_number(1234567).c_str());
  site_lost();
}

int main() {
  run(body);
  return 0;
}
