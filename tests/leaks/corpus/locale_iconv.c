// SPDX-License-Identifier: Apache-2.0
// setlocale, newlocale, iconv: some closed and some not.
#include <iconv.h>
#include <locale.h>

#include "corpus.h"

iconv_t kept;

SITE void site_closed(void) {
  iconv_t converter = iconv_open("UTF-16LE", "UTF-8");
  char in[] = "text", out[40], *from = in, *to = out;
  size_t in_left = 4, out_left = sizeof out;
  iconv(converter, &from, &in_left, &to, &out_left);
  iconv_close(converter);
}
SITE void* site_block(void) { return malloc(8); }

static void body(void) {
  setlocale(LC_ALL, "C.UTF-8");
  locale_t locale = newlocale(LC_ALL_MASK, "C.UTF-8", NULL);
  uselocale(locale);
  printf("%.1f\n", 1.5);
  uselocale(LC_GLOBAL_LOCALE);
  freelocale(locale);
  site_closed();
  site_block();
}

int main(void) {
  run(body);
  return 0;
}
