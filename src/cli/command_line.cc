#include "cli/command_line.h"

#include <cstdio>
#include <functional>
#include <memory>

#include <CLI/CLI.hpp>

#include "cli/audit_command_line.h"
#include "cli/check_config.h"
#include "cli/common_options.h"
#include "cli/doctor.h"
#include "cli/egress_command.h"
#include "cli/egress_reconcile.h"
#include "cli/egress_status.h"
#include "cli/gateway_command.h"
#include "cli/generate_commands.h"
#include "cli/registry_commands.h"
#include "cli/store_commands.h"

namespace countersign::cli {
namespace {

constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

using Action = std::function<Result<void>()>;

// The whole command line while it is parsed: the flags' values and the action of the command that
// was given.
class CommandLine final {
 public:
  CommandLine() : app_("Service-to-service authentication for payment APIs.", "countersign") {
    app_.set_version_flag("--version", std::string("countersign ") + COUNTERSIGN_VERSION);
    app_.require_subcommand(1);
    app_.footer(
        "Exit codes: 0 done, 1 failed, 2 wrong command line or configuration.\n"
        "Secrets are never taken from the command line.");
    add_servers();
    add_client_commands();
    add_key_commands();
    add_token_commands();
    add_audit_commands();
    add_store_commands();
    add_tools();
  }

  int run(int argc, const char* const* argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return app_.exit(error) == 0 ? 0 : exit_usage;
    }
    common_.output = output_ == "json" ? OutputForm::json : OutputForm::text;
    const auto done = action_();
    if (done) return 0;
    std::fprintf(stderr, "countersign: %s\n", message_of(done.error()).c_str());
    const ErrorKind kind = done.error().kind;
    return kind == ErrorKind::misconfigured || kind == ErrorKind::invalid_input ? exit_usage
                                                                                : exit_failed;
  }

 private:
  // A configuration's problems are lines of their own; anything else is one line with its code.
  static std::string message_of(const Error& error) {
    return error.code == "config.invalid" ? error.code + "\n" + error.public_text : error.for_log();
  }

  CLI::App* command(CLI::App& parent, const std::string& name, const std::string& help,
                    Action action) {
    CLI::App* sub = parent.add_subcommand(name, help);
    sub->callback([this, action = std::move(action)] { action_ = action; });
    return sub;
  }
  void add_config(CLI::App* sub, const std::string& what) {
    sub->add_option("--config", common_.config, what + " (environment: COUNTERSIGN_CONFIG)")
        ->envname("COUNTERSIGN_CONFIG")
        ->required();
    sub->add_option("--set", common_.sets,
                    "section.key=value, before environment and file; may be repeated")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
  }
  void add_output(CLI::App* sub) {
    sub->add_option("--output", output_, "text or json (default text)")
        ->check(CLI::IsMember({"text", "json"}));
  }
  CLI::App* record_command(CLI::App& parent, const std::string& name, const std::string& help,
                           Action action) {
    CLI::App* sub = command(parent, name, help, std::move(action));
    add_config(sub, "the gateway's configuration");
    add_output(sub);
    return sub;
  }
  void add_revocation(CLI::App* sub, RevokeFlags& flags, const std::string& subject) {
    sub->add_option(subject, flags.subject)->required();
    add_reason_and_wait(sub, flags.reason);
  }
  void add_reason_and_wait(CLI::App* sub, std::string& reason) {
    sub->add_option("--reason", reason, "kept with the revocation in the record");
    sub->add_option("--wait", wait_ms_,
                    "milliseconds to wait for the gateways' confirmation (default 5000)")
        ->check(CLI::Range(0, 600'000));
  }

  void add_servers() {
    add_config(command(app_, "gateway", "run issuer and gateway (the provider's side)",
                       [this] { return run_gateway(common_); }),
               "the gateway's configuration");
    add_egress();
  }

  // Without a further word it serves.
  void add_egress() {
    CLI::App* egress = app_.add_subcommand("egress", "run the sidecar (the consumer's side)");
    egress->callback([this] {  // after that of a subcommand
      if (!action_) action_ = [this] { return run_egress(common_); };
    });
    add_config(egress, "the egress's configuration");
    CLI::App* status = command(*egress, "status", "how a running egress is: asks its [admin]",
                               [this] { return show_egress_status(common_); });
    status->fallthrough();  // --config
    add_output(status);
    add_reconcile(*egress);
  }

  void add_reconcile(CLI::App& egress) {
    CLI::App* reconcile =
        command(egress, "reconcile",
                "repeat, once and with its key, each write that a crash left open", [this] {
                  reconcile_.wait = std::chrono::seconds(reconcile_wait_s_);
                  return reconcile_egress(common_, reconcile_);
                });
    reconcile->fallthrough();  // --config and --set may follow it
    add_output(reconcile);
    reconcile
        ->add_option("--wait", reconcile_wait_s_,
                     "seconds to wait for calls that are under way, or ended in a crash just now "
                     "(default 0)")
        ->check(CLI::Range(0, 3'600));
    reconcile->add_option("--rate", reconcile_.rate, "attempts a second at most (default 10)")
        ->check(CLI::Range(1, 1'000));
  }

  void add_client_commands() {
    CLI::App& client = *app_.add_subcommand("client", "registered clients")->require_subcommand(1);
    CLI::App* add =
        record_command(client, "add", "register a client; prints its secret once, if it has one",
                       [this] { return add_client(common_, client_); });
    add->add_option("--name", client_.name, "for people")->required();
    add->add_option("--id", client_.id, "client_id (default: one is made)");
    add->add_option(
        "--auth", client_.auth_method,
        "at the token endpoint: none (API keys only), client_secret_basic, client_secret_post, "
        "tls_client_auth, self_signed_tls_client_auth (default none)");
    add->add_option("--scope", client_.scopes, "a scope it may have; may be repeated");
    add->add_option("--certificate", client_.certificates,
                    "PEM file of a certificate it uses; may be repeated");
    add->add_option("--thumbprint", client_.thumbprints, "the same as x5t#S256; may be repeated");
    add->add_option("--subject-dn", client_.subject_dn, "tls_client_auth: subject (RFC 4514)");
    add->add_option("--san-dns", client_.san_dns, "tls_client_auth: dNSName of its certificate");
    add->add_option("--san-uri", client_.san_uri, "tls_client_auth: URI of its certificate");
    add->add_option("--san-ip", client_.san_ip, "tls_client_auth: address of its certificate");
    add->add_option("--network", client_.networks,
                    "CIDR it may call from; may be repeated (default: any)");
    add->add_flag("--certificate-bound-tokens", client_.certificate_bound_tokens,
                  "its tokens work with its certificate only (RFC 8705)");
    add->add_option("--token-lifetime", client_.token_lifetime,
                    "such as 5m (default: the issuer's)");
    record_command(client, "list", "all clients", [this] { return list_clients(common_); });
    add_revocation(record_command(client, "disable", "refuse everything of a client, from now on",
                                  [this] { return disable_client(common_, revoke()); }),
                   revoke_, "client_id");
  }

  void add_key_commands() {
    CLI::App& key = *app_.add_subcommand("key", "API keys")->require_subcommand(1);
    CLI::App* issue = record_command(key, "issue", "make an API key; it is printed once",
                                     [this] { return issue_key(common_, key_); });
    issue->add_option("--client", key_.client, "client_id")->required();
    issue->add_option("--scope", key_.scopes,
                      "of the client's scopes; may be repeated (default: all of them)");
    issue->add_option("--certificate", key_.certificate,
                      "PEM file: the key works with this certificate only");
    issue->add_option("--thumbprint", key_.thumbprint, "the same as x5t#S256");
    issue->add_option("--network", key_.networks,
                      "CIDR the key works from; may be repeated (default: the client's)");
    issue->add_option("--expires-in", key_.lifetime, "such as 90d (default: it does not expire)");
    issue->add_option("--note", key_.note, "for people");
    CLI::App* list = record_command(key, "list", "keys, without their secrets",
                                    [this] { return list_keys(common_, key_.client); });
    list->add_option("--client", key_.client, "client_id (default: all)");
    add_revocation(record_command(key, "revoke", "refuse a key, from now on",
                                  [this] { return revoke_key(common_, revoke()); }),
                   revoke_, "key_id");
  }

  void add_token_commands() {
    CLI::App& token = *app_.add_subcommand("token", "access tokens")->require_subcommand(1);
    CLI::App* sub =
        record_command(token, "revoke", "refuse one token that was granted already", [this] {
          token_.wait = std::chrono::milliseconds(wait_ms_);
          return revoke_token(common_, token_);
        });
    CLI::Option* jti =
        sub->add_option("--jti", token_.jti, "its id, as the audit log shows it (\"token\")");
    CLI::Option* file = sub->add_option("--token-file", token_.token_file,
                                        "a file that holds the token; - for stdin");
    jti->excludes(file);
    sub->require_option(1, 0);
    add_reason_and_wait(sub, token_.reason);
    sub->parse_complete_callback([this] {
      if (token_.jti.empty() == token_.token_file.empty()) {
        throw CLI::ValidationError("token revoke", "give either --jti or --token-file");
      }
    });
  }

  void add_audit_commands() {
    audit_ = std::make_unique<AuditCommandLine>(
        app_, common_,
        [this](CLI::App& parent, const std::string& name, const std::string& help, Action action) {
          return record_command(parent, name, help, std::move(action));
        });
  }

  void add_store_commands() {
    CLI::App& store =
        *app_.add_subcommand("store", "the tokens that egresses share")->require_subcommand(1);
    CLI::App* rekey = command(store, "rekey", "seal what is stored under the newest key",
                              [this] { return rekey_store(common_); });
    add_config(rekey, "the egress's configuration");
    add_output(rekey);
  }

  void add_tools() {
    CLI::App* check =
        command(app_, "check-config", "read a configuration and tell every problem in it",
                [this] { return check_config(common_); });
    check->add_option("file", common_.config, "of a gateway or an egress")->required();
    check->add_option("--set", common_.sets, "as for the server")->allow_extra_args(false);
    add_output(check);
    add_doctor();
    CLI::App& generate =
        *app_.add_subcommand("generate", "new secrets for a configuration, on standard output")
             ->require_subcommand(1);
    command(generate, "pepper", "a line for the pepper file",
            [this] { return generate_pepper(pepper_version_); })
        ->add_option("--pepper-version", pepper_version_,
                     "1 or more; the highest in the file makes new MACs (default 1)");
    command(generate, "store-key", "a line for the key file of a token store",
            [this] { return generate_store_key(store_key_version_); })
        ->add_option("--key-version", store_key_version_,
                     "1 or more; the highest in the file seals (default 1)");
    command(generate, "signing-key", "a private key for the issuer (PKCS#8 PEM)", [this] {
      return generate_signing_key(algorithm_);
    })->add_option("--algorithm", algorithm_, "ES256, PS256 or EdDSA (default ES256)");
  }

  void add_doctor() {
    CLI::App* doctor = command(app_, "doctor", "try what the egress's calls need, step by step",
                               [this] { return run_doctor(common_, doctor_); });
    add_config(doctor, "the egress's configuration");
    add_output(doctor);
    doctor->add_option("--api", doctor_.api, "only the API of this name (default: all)");
    doctor->add_option("--path", doctor_.path,
                       "of the GET that is tried: one that may be read (default /)");
    doctor->add_option("--timeout", doctor_.timeout_ms, "milliseconds for each step (default 5000)")
        ->check(CLI::Range(1, 600'000));
  }

  RevokeFlags revoke() const {
    RevokeFlags flags = revoke_;
    flags.wait = std::chrono::milliseconds(wait_ms_);
    return flags;
  }

  CLI::App app_;
  CommonOptions common_;
  std::string output_ = "text";
  Action action_;
  std::unique_ptr<AuditCommandLine> audit_;
  ClientAddFlags client_;
  KeyIssueFlags key_;
  DoctorFlags doctor_;
  RevokeFlags revoke_;
  TokenRevokeFlags token_;
  ReconcileFlags reconcile_;
  int reconcile_wait_s_ = 0;
  int wait_ms_ = 5000;
  int pepper_version_ = 1;
  int store_key_version_ = 1;
  std::string algorithm_ = "ES256";
};

}  // namespace

int run(int argc, const char* const* argv) {
  return CommandLine().run(argc, argv);
}

}  // namespace countersign::cli
