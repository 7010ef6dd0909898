// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/missing_debug_info.h"

#include "tests/unit/symbolizer/fixture.h"

namespace flarestack {
namespace {

TEST_CASE("the remedy for missing debug information depends on where a file comes from") {
  const fixture::TemporaryDirectory directory;
  fixture::write_text(directory / "libc6:amd64.list", "/.\n/lib\n/lib/x86_64-linux-gnu/libnone.so.6\n");
  fixture::write_text(directory / "python3.11-minimal.list", "/usr\n/usr/bin/python3.11x\n");
  fixture::write_text(directory / "zlib1g:amd64.list", "/usr/lib/x86_64-linux-gnu/libz-none.so\n");
  fixture::write_text(directory / "other.md5sums", "/opt/mine\n");
  const std::vector<std::string> paths{"/usr/lib/x86_64-linux-gnu/libnone.so.6", "/usr/bin/python3.11x",
                                       "/usr/lib/x86_64-linux-gnu/libz-none.so", "/opt/mine",
                                       "/usr/lib/x86_64-linux-gnu/libz-none.s"};
  const auto debian = debug_info_remedies(paths, {directory.path(), "debian", false});
  CHECK(debian == std::vector<std::string>{"apt install libc6-dbg", "apt install python3.11-dbg",
                                           "export DEBUGINFOD_URLS=https://debuginfod.debian.net", "build it with -g",
                                           "build it with -g"});
  const auto with_server = debug_info_remedies(paths, {directory.path(), "debian", true});
  CHECK(with_server[2] == "apt install zlib1g-dbgsym");
  const auto fedora = debug_info_remedies(paths, {directory / "none", "fedora", false});
  CHECK(fedora[2] == "export DEBUGINFOD_URLS=https://debuginfod.fedoraproject.org");
  CHECK(fedora[3] == "build it with -g");
}

TEST_CASE("this machine's own libraries are found in its package lists") {
  const std::vector<std::string> paths{"/lib/x86_64-linux-gnu/libm.so.6", "/usr/lib/x86_64-linux-gnu/libstdc++.so.6"};
  const std::vector<std::string> remedies = debug_info_remedies(paths, {"/var/lib/dpkg/info", "debian", true});
  CHECK(remedies[0] == "apt install libc6-dbg");
  CHECK(remedies[1] == "apt install libstdc++6-dbgsym");
}

}  // namespace
}  // namespace flarestack
