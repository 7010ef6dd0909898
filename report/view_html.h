// SPDX-License-Identifier: Apache-2.0
// The page of `flarestack view`: one HTML file that loads nothing from anywhere. Offline side.
//
// report/web/view/view.html is its frame. In it stand @TITLE@, @STYLE@, @SCRIPT@ and @PROFILES@: the text of the title,
// the content of the elements <style> and <script>, and a <script id="profile-0" type="application/octet-stream"> for
// each recording with its data (report/view_data.h) as text.
#pragma once

#include <string>
#include <vector>

namespace flarestack {

// `profiles`: gzip_base64() of view_data(), one or two.
std::string view_html(const std::string& title, const std::vector<std::string>& profiles);

}  // namespace flarestack
