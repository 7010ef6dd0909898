// SPDX-License-Identifier: Apache-2.0
#include "tools/recording.h"

namespace flarestack {

CommandBody declare_record(CLI::App& app) {
  auto options = std::make_shared<RecordingOptions>();
  declare_recording_options(app, *options);
  app.add_flag("--no-wait", options->no_wait, "stop when the program ends, whatever it left running");
  app.add_option(
         "--timeout", options->timeouts,
         "end the program (SIGTERM, then SIGKILL) after this time, or when a region of its own has been open for "
         "so long, and tell what all threads were doing: TIME or REGION=TIME; repeatable; exit status 124")
      ->allow_extra_args(false)
      ->check(check_timeout);
  app.add_flag("--paused", options->paused, "record nothing until the program calls flarestack_resume()");
  auto* live = app.add_flag("--live", options->live,
                            "show meanwhile what `flarestack top` shows, on the terminal, which then is not the "
                            "program's: redirect its stdin, stdout and stderr");
  app.add_option("--interval", options->interval, "between two refreshes of --live")
      ->check(check_interval)
      ->needs(live)
      ->capture_default_str();
  app.add_option("PROGRAM", options->record.command, "the program and its arguments, behind --")->required();
  app.prefix_command(false);
  app.positionals_at_end();
  return [options] { return run_recording(*options); };
}

}  // namespace flarestack
