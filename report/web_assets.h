// SPDX-License-Identifier: Apache-2.0
// The files of report/web/ as the build has embedded them (report/embed_web.cmake). Offline side.
#pragma once

#include <string_view>

namespace flarestack::web_assets {

extern const std::string_view kFlamegraphStyle;   // flamegraph.css
extern const std::string_view kFlamegraphScript;  // the *.js of report/web/flamegraph/, one after the other

extern const std::string_view kViewPage;    // view/view.html
extern const std::string_view kViewStyle;   // view/*.css, view.css first
extern const std::string_view kViewScript;  // the modules of report/web/view/, in the order of modules.txt

}  // namespace flarestack::web_assets
