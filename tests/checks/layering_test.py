# SPDX-License-Identifier: Apache-2.0
"""The layering check finds what it is there to find: each wrong include is put into a copy of a right tree."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.dont_write_bytecode = True
import layering  # noqa: E402

RIGHT_TREE = {
    "base/CMakeLists.txt": "flarestack_folder(base LIBS fmt)\n",
    "base/address.h": "#include <cstdint>\n",
    "base/result.h": "#include <string>\n#include <fmt/format.h>\n",
    "wire/ring.h": '#include <atomic>\n#include <sys/mman.h>\n#include "base/address.h"\n',
    "unwind/unwinder.cc": '#include "base/address.h"\n',
    "unwind/remote_unwinder.cc": '#include <vector>\n#include "base/result.h"\n',
    "preload/agent.cc": '#include "wire/ring.h"\n',
    "trace/CMakeLists.txt": "flarestack_folder(trace DEPS base wire LIBS zstd)\n",
    "trace/reader.h": '#include <string>\n#include <zstd.h>\n#include "base/result.h"\n',
    "tools/main.cc": '#include <CLI/CLI.hpp>\n#include "trace/reader.h"\n',
    "tests/unit/x_test.cc": '#include <catch2/catch.hpp>\n#include "anything.h"\n',
}


def violations(changes):
    with tempfile.TemporaryDirectory() as root:
        for path, content in {**RIGHT_TREE, **changes}.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(content)
        return layering.violations(root)


class LayeringTest(unittest.TestCase):
    def test_a_right_tree_has_no_violation(self):
        self.assertEqual(violations({}), [])

    def assert_one(self, path, content, expected):
        self.assertEqual(violations({path: content}), [expected])

    def test_an_include_upwards(self):
        self.assert_one("base/up.cc", '#include <string>\n\n#include "trace/reader.h"\n',
                        "base/up.cc:3: base/ may not include trace/")

    def test_an_include_sideways(self):
        self.assert_one("wire/side.cc", '#include "unwind/remote.h"\n',
                        'wire/side.cc:1: there is no unwind/remote.h; includes are relative to the root, as in "wire/ring.h"')
        self.assertEqual(violations({"wire/side.cc": '#include "unwind/rows.h"\n', "unwind/rows.h": ""}),
                         ["wire/side.cc:1: wire/ may not include unwind/"])

    def test_an_include_that_skips_the_seam(self):
        self.assert_one("trace/skip.cc", ' #  include "preload/agent.cc"\n',
                        "trace/skip.cc:1: trace/ may not include preload/")

    def test_a_relative_include(self):
        self.assert_one("wire/near.h", '#include "ring.h"\n',
                        'wire/near.h:1: there is no ring.h; includes are relative to the root, as in "wire/ring.h"')

    def test_a_library_where_it_does_not_belong(self):
        self.assert_one("report/cli.cc", "#include <CLI/CLI.hpp>\n", "report/cli.cc:1: report/ may not use cli11")

    def test_an_unknown_library(self):
        self.assert_one("base/boost.h", "#include <boost/any.hpp>\n",
                        "base/boost.h:1: <boost/any.hpp> is of no library that tests/layering.py knows")

    def test_the_agent_may_not_use_what_allocates(self):
        self.assert_one("preload/list.cc", "#include <vector>\n",
                        "preload/list.cc:1: preload/list.cc is compiled into the agent and may not use <vector>")
        self.assert_one("wire/text.h", '#include "base/result.h"\n',
                        "wire/text.h:1: wire/text.h is compiled into the agent and base/result.h is not")

        self.assert_one("base/address.h", '#include "base/result.h"\n',
                        "base/address.h:1: base/address.h is compiled into the agent and base/result.h is not")

    def test_the_agent_may_not_use_the_recorders_side(self):
        self.assertEqual(violations({"unwind/remote_memory.h": "", "unwind/a.cc": '#include "unwind/remote_memory.h"\n'}),
                         ["unwind/a.cc:1: unwind/a.cc is compiled into the agent and unwind/remote_memory.h is not"])

    def test_a_test_header_in_the_product(self):
        self.assertEqual(violations({"base/a.cc": '#include "tests/unit/a.h"\n', "tests/unit/a.h": ""}),
                         ["base/a.cc:1: tests/unit/a.h is in no folder of the product"])

    def test_a_dependency_upwards_in_the_build(self):
        self.assert_one("model/CMakeLists.txt", "flarestack_folder(model DEPS base trace report\n  LIBS fmt)\n",
                        "model/CMakeLists.txt: model/ may not depend on report/")

    def test_the_table_itself_goes_downward(self):
        for name, folder in layering.FOLDERS.items():
            for target in folder.folders:
                self.assertLess(layering.FOLDERS[target].level, folder.level, f"{name} -> {target}")


if __name__ == "__main__":
    unittest.main()
