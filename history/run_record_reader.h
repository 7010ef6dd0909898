// SPDX-License-Identifier: Apache-2.0
// Reads RunRecords from JSON, which somebody else may have written. Offline side.
#pragma once

#include <string>

#include <rapidjson/document.h>

#include "base/result.h"
#include "model/run_record.h"

namespace flarestack {

// What write_run_record() (report/run_record_json.h) wrote. Error: there is nothing measured in it.
Result<RunRecord> read_run_record(const rapidjson::Value& value);

// Members: what is missing or of another type is empty, 0, or null.
std::string text_member(const rapidjson::Value& value, const char* name);
double number_member(const rapidjson::Value& value, const char* name);
int64_t integer_member(const rapidjson::Value& value, const char* name);  // beyond what a double holds
const rapidjson::Value* array_member(const rapidjson::Value& value, const char* name);
const rapidjson::Value* object_member(const rapidjson::Value& value, const char* name);
HostFacts host_member(const rapidjson::Value& value);  // "host"

}  // namespace flarestack
