#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An allocator whose entries are shorter than a jump and stand side by side: its callers are hooked where they keep its addresses. What a
# program allocates while it is attached to is recorded to the last block: by slots that were bound before, by lazy ones that the loader fills meanwhile, by tables of
# its data, by dlsym, and in a library that it loads meanwhile. Afterwards each address is again what it was.
# ATTACH_CYCLES: how many windows (2; ./check --attach: 100). Needs ptrace.
source "$(dirname "$0")/lib.sh"
cycles="${ATTACH_CYCLES:-2}"

gcc -O1 -g -shared -fPIC -fno-builtin -x c - -o libtight.so <<'C' || fail "libtight.so"
#include <stddef.h>
#include <string.h>
static char pool[200 << 20] __attribute__((aligned(4096)));
static size_t used;
void* tight_take(size_t size) {
  const size_t all = (size + 31) / 16 * 16;
  char* block = pool + __atomic_fetch_add(&used, all, __ATOMIC_RELAXED) + 16;
  memcpy(block - sizeof size, &size, sizeof size);
  return block;
}
void* tight_clear(size_t count, size_t size) { return tight_take(count * size); }
void* tight_again(void* old, size_t size) {
  size_t before = 0;
  void* block = tight_take(size);
  if (old != NULL) memcpy(&before, (char*)old - sizeof before, sizeof before);
  if (old != NULL) memcpy(block, old, before < size ? before : size);
  return block;
}
void tight_drop(void* block) { (void)block; }
__asm__(".text\n.p2align 4\n"
        ".globl malloc, calloc, realloc, free\n.type malloc, @function\n.type calloc, @function\n.type realloc, @function\n.type free, @function\n"
        "malloc: jmp 1f\n.size malloc, .-malloc\ncalloc: jmp 2f\n.size calloc, .-calloc\nrealloc: jmp 3f\n.size realloc, .-realloc\nfree: jmp 4f\n.size free, .-free\n"
        "1: jmp tight_take@PLT\n2: jmp tight_clear@PLT\n3: jmp tight_again@PLT\n4: jmp tight_drop@PLT\n");
C
gcc -O1 -g -shared -fPIC -fno-builtin -DTRUTH_EXTERN -I "$SOURCE_DIR/tests/e2e/truth" -x c - -o libplugin.so <<'C' || fail "libplugin.so"
#include "truth.h"
SITE void* site_plugin(size_t size) { return GOT(malloc(size), size); }
C
cat >tables.c <<'C'
#include <dlfcn.h>
#include "truth.h"
static void* (*const volatile table[])(size_t) = {malloc};
SITE void* site_bound(size_t size) { return GOT(malloc(size), size); }
SITE void* site_lazy(size_t size) { return GOT(realloc(NULL, size), size); }
SITE void* site_table(size_t size) { return GOT(table[0](size), size); }
SITE void* site_asked(size_t size) { return GOT(((void* (*)(size_t))dlsym(RTLD_DEFAULT, "malloc"))(size), size); }
static void window(int cycle) {
  char name[32];
  for (int i = 1; i <= 1000; ++i) {
    give(site_bound(i));
    give(site_table(i));
    give(site_asked(i));
    if (i % 10 == 0) site_lazy(i);
  }
  snprintf(name, sizeof name, "./libplugin.%d.so", cycle);
  void* plugin = dlopen(name, RTLD_NOW);
  void* (*site_plugin)(size_t) = (void* (*)(size_t))dlsym(plugin, "site_plugin");
  for (int i = 1; i <= 100; ++i) give(site_plugin(i));
}
// w: a window; ?: where malloc is, by the loader and by the program; e: ends.
int main(void) {
  char line, answer[100];
  int cycle = 0;
  free(malloc(1));  // bound before; realloc is not
  while (read(0, &line, 1) == 1 && line != 'e') {
    if (line == '\n') continue;
    if (line == 'w') {
      memset(truth_blocks, 0, sizeof truth_blocks);
      truth_open();
      window(++cycle);
    }
    const int length = snprintf(answer, sizeof answer, "%c %p %p\n", line, dlsym(RTLD_DEFAULT, "malloc"), (void*)table[0]);
    if (write(1, answer, (size_t)length) != length) return 1;
  }
  return 4;
}
C
gcc -O1 -g -fno-builtin -rdynamic -Wl,-z,lazy $TRUTH_FLAGS -o tables tables.c -L. -ltight -Wl,-rpath,"$PWD" || fail tables.c

begin ./tables
ask '?'
before=$(tail -1 out)
for cycle in $(seq "$cycles"); do
  cp libplugin.so "libplugin.$cycle.so"
  rm -f truth.*.*
  begin_attach "$target" --quiet --no-leak-check -o t.flare
  ask w
  end_attach "$target"
  python3 "$SOURCE_DIR/tests/e2e/truth/check.py" t.flare --unknown '_dl_|^dl|^_r_debug|^__|^open_|^add_|^expand_' || fail "window $cycle is not what the program says"
  info=$("$FLARESTACK" info t.flare)
  for name in malloc calloc realloc free; do
    grep -q "$name of libtight.so is hooked where other modules call it" <<<"$info" || fail "it does not say how $name is hooked: $info"
  done
  ask '?'
  [ "$(tail -1 out)" = "$before" ] || fail "malloc was $before, and is $(tail -1 out)"
done
echo e >&3
end 4
