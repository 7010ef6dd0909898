// SPDX-License-Identifier: Apache-2.0
// Functions in assembly whose CFI compilers rarely or never write. Each calls `callback(argument)` from such a frame.
#pragma once

namespace flarestack::test {

using Callback = void (*)(void*);

extern "C" {
void odd_cfa_in_rbx(Callback callback, void* argument);           // CFA = rbx + 16, as ld.so's _dl_runtime_resolve
void odd_cfa_in_r12(Callback callback, void* argument);           // CFA = r12 + 16, rbx and rbp saved and overwritten
void odd_cfa_deref(Callback callback, void* argument);            // CFA = *(rsp + 24) + 8, as OpenSSL's assembler
void odd_saved_by_expression(Callback callback, void* argument);  // return address and rbp found by expressions
void odd_value_rules(Callback callback, void* argument);          // val_offset, val_expression, register rules
void odd_arithmetic(Callback callback, void* argument);           // CFA by an expression with jumps and all arithmetic
void odd_remember(Callback callback, void* argument);             // nested remember_state and restore_state
void odd_undefined_rbp(Callback callback, void* argument);        // rbp undefined
void odd_no_cfi(Callback callback, void* argument);               // no CFI at all, but a frame pointer
}

}  // namespace flarestack::test
