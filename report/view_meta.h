// SPDX-License-Identifier: Apache-2.0
// The JSON of the page of `flarestack view` (report/view_data.h). Offline side.
#pragma once

#include <string>

#include "report/view_data.h"
#include "report/view_rows.h"
#include "report/view_tables.h"

namespace flarestack {

// `tables` and `columns` are complete.
std::string view_meta(const ViewSources& sources, const ViewRows& rows, const ViewTables& tables,
                      const ViewColumns& columns);

}  // namespace flarestack
