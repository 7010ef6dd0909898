// SPDX-License-Identifier: Apache-2.0
#include "profiler/doctor.h"

#include "profiler/attach_check.h"
#include "symbolizer/symbolizer.h"
#include "tools/command.h"
#include "tools/doctor_output.h"
#include "tools/reading_options.h"

namespace flarestack {

CommandBody declare_doctor(CLI::App& app) {
  struct Options {
    int32_t pid = 0;
    std::string format = "text";
  };
  auto options = std::make_shared<Options>();
  app.add_option("PID", options->pid, "a running process instead of this machine")->check(CLI::PositiveNumber);
  app.add_option("--format", options->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  return [options]() -> Result<int> {
    const std::vector<Check> checks =
        options->pid != 0 ? diagnose_process(gather_process_facts(options->pid), attach_refusal(options->pid))
                          : diagnose_machine(gather_machine_facts({default_cache_directory(), "."}));
    const Result<void> written =
        write_output("", options->format == "json" ? doctor_json(checks) : doctor_text(checks, layout_for("").colour));
    if (!written.ok()) {
      return written.error();
    }
    return is_recordable(checks) ? kExitGood : kExitFailed;
  };
}

}  // namespace flarestack
