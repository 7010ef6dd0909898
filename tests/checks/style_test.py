# SPDX-License-Identifier: Apache-2.0
"""The style check finds what it is there to find and lets right files pass."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.dont_write_bytecode = True
import style  # noqa: E402

SPDX_LINE = "// SPDX-License-" + "Identifier: Apache-2.0\n"
RIGHT_TREE = {
    "base/address.h": SPDX_LINE + "#pragma once\n// See docs/design.md and /proc/71/maps; mended in elsewhere#12.\n",
    "base/long.cc": SPDX_LINE + "// One file because it is one table.\n" + "int x;\n" * 500,
    "docs/design.md": "# Design\n\n`/usr/lib/libc.so.6`, `src/a` and <a href='#top'>.\n",
    "run": "#!/bin/sh\n# SPDX-License-" + "Identifier: Apache-2.0\n\"$source_dir\"/te" + "sts/x\n",
}


def violations(changes):
    with tempfile.TemporaryDirectory() as root:
        for path, content in {**RIGHT_TREE, **changes}.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(content)
        return style.violations(root)


class StyleTest(unittest.TestCase):
    def assert_one(self, path, content, expected):
        self.assertEqual(violations({path: content}), [expected])

    def test_a_right_tree_has_no_violation(self):
        self.assertEqual(violations({}), [])

    def test_a_file_without_a_licence_line(self):
        self.assert_one("a.cc", "int x;\n", "a.cc:1: no SPDX line at the top")
        self.assert_one("run", "#!/bin/sh\n", "run:1: no SPDX line at the top")
        self.assert_one("base/CMakeLists.txt", "", "base/CMakeLists.txt:1: no SPDX line at the top")

    def test_a_file_that_is_too_long(self):
        found = violations({"a.cc": SPDX_LINE + "int x;\n" * 400})
        self.assertEqual(len(found), 1)
        self.assertTrue(found[0].startswith("a.cc:1: 401 lines;"), found)
        self.assertEqual(violations({"a.cc": SPDX_LINE + "int x;\n" * 399}), [])
        # The reason counts at the top only.
        self.assertEqual(len(violations({"a.cc": SPDX_LINE + "int x;\n" * 400 + "// One file because\n"})), 1)

    def test_a_header_without_a_guard(self):
        self.assert_one("a.h", SPDX_LINE, "a.h:1: a header without #pragma once")

    def test_using_namespace_and_relative_includes(self):
        self.assert_one("a.cc", SPDX_LINE + "  using namespace std;\n",
                        "a.cc:2: using namespace without a reason (`// NOLINT: ...`)")
        self.assertEqual(violations({"a.cc": SPDX_LINE + "using namespace x;  // NOLINT: C functions\n"}), [])
        self.assert_one("a.cc", SPDX_LINE + '#include "../b.h"\n',
                        "a.cc:2: an include that is not relative to the root")

    def test_left_overs(self):
        self.assert_one("a.cc", SPDX_LINE + "int x;  // " + "TO" + "DO: y\n", "a.cc:2: a left-over: do it or leave it")
        self.assertEqual(violations({"a.cc": SPDX_LINE + 'mkdtemp("x_XX' + 'XXXX");\n'}), [])

    def test_issue_numbers(self):
        for text in ["see " + "#" + "12", "iss" + "ue 12", "iss" + "ues " + "#" + "3"]:
            self.assert_one("docs/a.md", text + "\n", "docs/a.md:1: an issue number: say what it was about; another project's is written project#12")

    def test_paths_of_one_machine(self):
        self.assert_one("a.cc", SPDX_LINE + '  open("/my' + '/place");\n', "a.cc:2: /my" + "/... is a path of one machine")

    def test_documents_that_do_not_exist(self):
        self.assert_one("docs/b.md", "see else" + "where/c.md\n", "docs/b.md:1: there is no else" + "where/c.md")
        self.assertEqual(violations({"docs/b.md": "see design.md\n"}), [])


if __name__ == "__main__":
    unittest.main()
