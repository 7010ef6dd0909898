// SPDX-License-Identifier: Apache-2.0
// The files of report/web/ as the build has embedded them (report/CMakeLists.txt). Offline side.
#pragma once

#include <string_view>

namespace flarestack::web_assets {

extern const std::string_view kFlamegraphStyle;   // flamegraph.css
extern const std::string_view kFlamegraphScript;  // the *.js of report/web/flamegraph/, one after the other

}  // namespace flarestack::web_assets
