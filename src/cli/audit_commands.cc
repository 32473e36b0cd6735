#include "cli/audit_commands.h"

#include <chrono>
#include <cstdio>
#include <thread>
#include <utility>

#include <sys/stat.h>

#include "cli/gateway_config.h"
#include "cli/output.h"
#include "core/json.h"
#include "core/text_file.h"
#include "protocol/decision_id.h"
#include "provider/audit/audit_explain.h"
#include "provider/audit/audit_query.h"
#include "provider/audit/audit_reader.h"
#include "provider/audit/audit_verify.h"

namespace countersign::cli {
namespace {

std::vector<std::string> files_of(const std::string& path) {
  std::vector<std::string> files;
  for (const provider::AuditFileName& name : provider::list_audit_files(path)) {
    files.push_back(name.path);
  }
  return files;
}

Result<std::vector<std::string>> files_of(const RecordConfig& record,
                                          const std::vector<std::string>& given) {
  if (!given.empty()) return given;
  auto files = files_of(record.audit.path);
  if (!files.empty()) return files;
  return fail(ErrorKind::not_found, "audit.unreadable", record.audit.path + ": there is no log");
}

// The configured key's public half, or that of the key beside the log, and those of the flags.
Result<std::vector<crypto::PublicKey>> keys_of(const AuditConfig& audit,
                                               const std::vector<std::string>& more) {
  std::vector<crypto::PublicKey> keys;
  if (audit.checkpoint_key) keys.push_back(audit.checkpoint_key->public_key());
  std::vector<std::string> paths = more;
  struct stat status{};
  const std::string beside = provider::public_key_path(audit.path);
  if (::stat(beside.c_str(), &status) == 0) paths.push_back(beside);
  for (const std::string& path : paths) {
    CS_TRY(const std::string pem, read_text_file(path));
    CS_TRY(auto key, crypto::PublicKey::from_pem(pem));
    keys.push_back(std::move(key));
  }
  return keys;
}

Result<std::vector<std::string>> expected_lines(const std::string& path) {
  std::vector<std::string> lines;
  if (path.empty()) return lines;
  CS_TRY(provider::AuditReader reader, provider::AuditReader::open(path));
  provider::AuditReader::Line line;
  for (;;) {
    CS_TRY(const bool more, reader.next(line));
    if (!more) break;
    if (!line.text.empty()) lines.emplace_back(line.text);
  }
  if (!lines.empty()) return lines;
  return fail(ErrorKind::invalid_input, "cli.bad_flag", path + ": has no checkpoint line");
}

std::string place_of(const provider::VerifyFinding& finding) {
  if (finding.line == 0) return finding.file;
  return finding.file + ":" + std::to_string(finding.line);
}

std::string said(const provider::VerifyFinding& finding) {
  return place_of(finding) + ": " + finding.code + ": " + finding.text;
}

void write_line(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fputc('\n', stdout);
}

Result<std::optional<WallTime>> time_flag(std::string_view name, const std::string& text) {
  if (text.empty()) return std::nullopt;
  const auto time = provider::parse_audit_time(text);
  if (time) return time;
  return fail(ErrorKind::invalid_input, "cli.bad_flag",
              std::string(name) + ": expected a time such as 2026-01-31T12:00:00Z, or a date");
}

}  // namespace

Result<void> verify_audit(const CommonOptions& common, const AuditVerifyFlags& flags) {
  CS_TRY(const RecordConfig record, load_record_config(common));
  provider::VerifyOptions options;
  CS_TRY(options.files, files_of(record, flags.files));
  CS_TRY(options.keys, keys_of(record.audit, flags.public_keys));
  CS_TRY(options.expected, expected_lines(flags.checkpoint));
  CS_TRY(const provider::VerifyReport report, provider::verify_audit_log(options));

  OutputRecord out;
  out.boolean("holds", report.holds());
  if (report.broken) {
    out.text("file", report.broken->file)
        .number("line", static_cast<int64_t>(report.broken->line))
        .text("code", report.broken->code)
        .text("why", report.broken->text);
  }
  out.number("files", static_cast<int64_t>(report.files))
      .number("lines", static_cast<int64_t>(report.lines))
      .number("first", static_cast<int64_t>(report.first_line))
      .number("last", static_cast<int64_t>(report.last_line))
      .number("checkpoints", static_cast<int64_t>(report.checkpoints))
      .number("signed_through", static_cast<int64_t>(report.signed_through));
  std::vector<std::string> notes;
  for (const provider::VerifyFinding& note : report.notes) notes.push_back(said(note));
  if (!notes.empty()) out.list("notes", notes);
  print(out, common.output);
  if (report.holds()) return {};
  return fail(ErrorKind::corrupt, "cli.audit_broken", said(*report.broken));
}

Result<void> print_audit_checkpoint(const CommonOptions& common) {
  CS_TRY(const RecordConfig record, load_record_config(common));
  CS_TRY(const std::string text, read_text_file(provider::head_path(record.audit.path)));
  write_line(std::string_view(text).substr(0, text.find('\n')));
  return {};
}

Result<void> explain_decision(const CommonOptions& common, const std::string& decision_id) {
  if (!protocol::DecisionId::parse(decision_id)) {
    return fail(ErrorKind::invalid_input, "cli.bad_flag",
                "expected a decision id: 26 characters, as in Countersign-Decision-Id");
  }
  CS_TRY(const RecordConfig record, load_record_config(common));
  CS_TRY(const auto files, files_of(record, {}));
  CS_TRY(auto entry, provider::find_decision(files, decision_id));
  if (!entry) {
    CS_TRY(entry, provider::search_decision(files, decision_id));
  }
  if (!entry) {
    return fail(
        ErrorKind::not_found, "cli.no_such_decision",
        "the log has no line about " + decision_id +
            "; it may be another provider's, or another gateway's, or its file was deleted");
  }
  const provider::Explanation told = provider::explain(*entry);
  OutputRecord out;
  out.text("decision", entry->decision).text("summary", told.summary);
  if (!told.check.empty()) out.text("refused_by", told.check);
  if (!told.what_to_do.empty()) out.text("what_to_do", told.what_to_do);
  if (common.output == OutputForm::json) {
    out.list("facts", told.facts);
    print(out, common.output);
    return {};
  }
  print(out, common.output);
  for (const std::string& fact : told.facts) write_line("  " + fact);
  return {};
}

Result<void> export_audit(const CommonOptions& common, const AuditExportFlags& flags) {
  CS_TRY(const RecordConfig record, load_record_config(common));
  CS_TRY(const auto files, files_of(record, flags.files));
  provider::AuditFilter filter{.client = flags.client,
                               .outcome = flags.outcome,
                               .event = flags.event,
                               .reason = flags.reason,
                               .from = {},
                               .until = {}};
  CS_TRY(filter.from, time_flag("--from", flags.from));
  CS_TRY(filter.until, time_flag("--until", flags.until));
  CS_CHECK(provider::for_each_entry(
      files, filter, [](const provider::AuditEntry&, std::string_view text) { write_line(text); }));
  return {};
}

namespace {

// Lines as they come, over rotations, until the process is told to end.
Result<void> follow_log(const std::string& path) {
  CS_TRY(provider::AuditReader opened, provider::AuditReader::open(path));
  auto reader = std::make_unique<provider::AuditReader>(std::move(opened));
  uint64_t offset = reader->bytes();
  struct stat before{};
  ::stat(path.c_str(), &before);
  for (;;) {
    provider::AuditReader::Line line;
    if (reader->seek(offset)) {
      for (;;) {
        CS_TRY(const bool more, reader->next(line));
        if (!more || line.is_torn) break;
        write_line(line.text);
        offset = line.offset + line.text.size() + 1;
      }
    }
    std::fflush(stdout);
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    struct stat now{};
    if (::stat(path.c_str(), &now) == 0 && now.st_ino != before.st_ino) {
      CS_TRY(provider::AuditReader next, provider::AuditReader::open(path));
      reader = std::make_unique<provider::AuditReader>(std::move(next));
      before = now;
      offset = 0;
    }
  }
}

}  // namespace

Result<void> tail_audit(const CommonOptions& common, const AuditTailFlags& flags) {
  CS_TRY(const RecordConfig record, load_record_config(common));
  CS_TRY(const auto lines,
         provider::last_lines(record.audit.path, static_cast<size_t>(flags.lines)));
  for (const std::string& line : lines) write_line(line);
  if (flags.follow) return follow_log(record.audit.path);
  return {};
}

}  // namespace countersign::cli
