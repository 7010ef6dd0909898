// SPDX-License-Identifier: Apache-2.0
// An exception_ptr that is lost, and one in static memory.
#include <exception>
#include <new>
#include <string>

#include "corpus.h"

alignas(8) static char place[sizeof(std::exception_ptr)];

SITE std::exception_ptr site_held() {
  return std::make_exception_ptr(std::string("the text of an exception that is held"));
}
SITE std::exception_ptr site_lost() {
  return std::make_exception_ptr(std::string("the text of an exception that is lost"));
}

static void body() {
  new (place) std::exception_ptr(site_held());
  alignas(8) char gone[sizeof(std::exception_ptr)];
  new (gone) std::exception_ptr(site_lost());
}

int main() {
  run(body);
  return 0;
}
