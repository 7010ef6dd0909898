// SPDX-License-Identifier: Apache-2.0
#include "report/view_html.h"

#include <cassert>
#include <string_view>

#include <fmt/format.h>

#include "report/web_assets.h"
#include "report/xml_text.h"

namespace flarestack {
namespace {

std::string filled(std::string_view name, const std::string& title, const std::vector<std::string>& profiles) {
  if (name == "TITLE") return xml_text(title);
  if (name == "STYLE") return std::string(web_assets::kViewStyle);
  if (name == "SCRIPT") return std::string(web_assets::kViewScript);
  assert(name == "PROFILES");
  std::string scripts;
  for (size_t i = 0; i < profiles.size(); ++i) {
    scripts += fmt::format("<script id=\"profile-{}\" type=\"application/octet-stream\">", i);
    scripts += profiles[i];
    scripts += "</script>\n";
  }
  return scripts;
}

}  // namespace

std::string view_html(const std::string& title, const std::vector<std::string>& profiles) {
  std::string page;
  std::string_view rest = web_assets::kViewPage;
  // What is filled in is not looked at again: a title may hold anything.
  for (size_t begin = rest.find('@'); begin != std::string_view::npos; begin = rest.find('@')) {
    const size_t end = rest.find('@', begin + 1);
    page += rest.substr(0, begin);
    page += filled(rest.substr(begin + 1, end - begin - 1), title, profiles);
    rest.remove_prefix(end + 1);
  }
  return page += rest;
}

}  // namespace flarestack
