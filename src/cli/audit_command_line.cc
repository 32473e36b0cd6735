#include "cli/audit_command_line.h"

#include <CLI/CLI.hpp>

namespace countersign::cli {

AuditCommandLine::AuditCommandLine(CLI::App& app, const CommonOptions& common,
                                   const MakeCommand& command)
    : common_(common) {
  CLI::App& audit = *app.add_subcommand("audit", "the log of decisions")->require_subcommand(1);
  CLI::App* verify =
      command(audit, "verify", "prove that nothing in the log was altered or cut off",
              [this] { return verify_audit(common_, verify_); });
  verify->add_option("files", verify_.files, "oldest first (default: all of the log's)");
  verify->add_option("--public-key", verify_.public_keys,
                     "PEM file of a key that signed checkpoints earlier; may be repeated");
  verify->add_option("--checkpoint", verify_.checkpoint,
                     "a file of checkpoint lines kept elsewhere: the log must contain them");
  command(audit, "checkpoint", "print the newest checkpoint, to be kept elsewhere",
          [this] { return print_audit_checkpoint(common_); });
  command(audit, "explain", "tell a decision in plain words",
          [this] { return explain_decision(common_, decision_id_); })
      ->add_option("decision_id", decision_id_, "as in Countersign-Decision-Id")
      ->required();
  CLI::App* tail = command(audit, "tail", "the last lines of the log",
                           [this] { return tail_audit(common_, tail_); });
  tail->add_option("--lines,-n", tail_.lines, "how many (default 20)")
      ->check(CLI::Range(1, 100'000));
  tail->add_flag("--follow,-f", tail_.follow, "and those that come, until it is stopped");
  CLI::App* exported = command(audit, "export", "lines of the log that match, as JSON lines",
                               [this] { return export_audit(common_, export_); });
  exported->add_option("files", export_.files, "oldest first (default: all of the log's)");
  exported->add_option("--client", export_.client, "client_id");
  exported->add_option("--outcome", export_.outcome, "allow or deny")
      ->check(CLI::IsMember({"allow", "deny"}));
  exported->add_option("--event", export_.event, "such as request, token, change, alert");
  exported->add_option("--reason", export_.reason, "reason code");
  exported->add_option("--from", export_.from, "at or after this time (UTC): 2026-01-31T12:00:00Z");
  exported->add_option("--until", export_.until, "before this time");
}

}  // namespace countersign::cli
