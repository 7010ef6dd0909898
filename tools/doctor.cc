// SPDX-License-Identifier: Apache-2.0
#include "profiler/doctor.h"

#include "profiler/attach_check.h"
#include "profiler/outside_sampler.h"
#include "symbolizer/symbolizer.h"
#include "tools/command.h"
#include "tools/doctor_output.h"
#include "tools/reading_options.h"

namespace flarestack {

namespace {

std::vector<Check> diagnose_running(int32_t pid) {
  const AttachFacts facts = gather_attach_facts(pid);
  // Whether the kernel lets it be sampled is seen without doing it.
  const std::string reason = may_sample_from_outside(pid) ? no_agent_reason_of(facts) : std::string();
  return diagnose_process(facts.process, refusal_of(facts), reason);
}

}  // namespace

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
    const std::vector<Check> checks = options->pid != 0
                                          ? diagnose_running(options->pid)
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
