#include "provider/audit/audit_verify.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "core/bytes.h"
#include "core/json.h"
#include "provider/audit/audit_reader.h"

namespace countersign::provider {
namespace {

constexpr std::string_view pruned_member = ",\"event\":\"log_pruned\"";
constexpr std::string_view repaired_member = ",\"event\":\"log_repaired\"";

// "123 bytes, SHA-256 …", as AuditFile writes it about what it found.
std::string describe_torn(std::string_view torn) {
  return fmt::format("{} bytes, SHA-256 {}", torn.size(),
                     encode_hex(crypto::sha256(as_bytes(torn))));
}

class Verifier final {
 public:
  Verifier(const VerifyOptions& options, std::map<uint64_t, ChainPoint> expected)
      : options_(options), expected_(std::move(expected)) {}

  Result<VerifyReport> run() {
    for (const std::string& file : options_.files) {
      file_ = file;
      line_ = 0;
      ++report_.files;
      CS_CHECK(read_file());
      if (report_.broken) return std::move(report_);
    }
    finish();
    return std::move(report_);
  }

 private:
  void break_at(std::string_view code, std::string text) {
    if (!report_.broken) report_.broken = {file_, line_, std::string(code), std::move(text)};
  }
  void note(std::string_view code, std::string text) {
    report_.notes.push_back({file_, line_, std::string(code), std::move(text)});
  }

  Result<void> read_file() {
    CS_TRY(AuditReader reader, AuditReader::open(file_));
    AuditReader::Line line;
    for (;;) {
      CS_TRY(const bool more, reader.next(line));
      if (!more) break;
      line_ = line.number;
      if (line.is_torn) {
        take_torn_end(line.text);
        return {};
      }
      take_line(line);
      if (report_.broken) return {};
    }
    // Files of before there was a chain come first.
    if (!odd_line_.empty() && report_.lines > 0) break_at_odd_line();
    return {};
  }

  // The file's last line has no end. Of a file that was set aside that cannot be: its writer ended
  // it.
  void take_torn_end(std::string_view text) {
    if (report_.lines == 0) return take_odd_line(text);
    if (!odd_line_.empty()) return break_at_odd_line();
    if (file_ != options_.files.back()) {
      return break_at("audit.torn", "the file ends within a line, and is not the last one");
    }
    note("audit.torn",
         fmt::format("the last line broke off after {} bytes: its process ended while it was "
                     "written, so nobody was told of what it says; the next writer ends it",
                     text.size()));
  }

  void take_line(const AuditReader::Line& line) {
    const auto chained = line.is_cut ? std::nullopt : parse_chained_line(line.text);
    if (!chained) return take_odd_line(line.text);
    const bool is_first = report_.lines == 0;
    if (is_first && !accept_start(line.text, *chained)) return;
    if (!is_first && chained->point.number != head_.number + 1) {
      if (!odd_line_.empty()) return break_at_odd_line();
      return break_at("audit.line_missing",
                      fmt::format("line {} of the log stands where line {} should: {}",
                                  chained->point.number, head_.number + 1,
                                  chained->point.number > head_.number + 1
                                      ? "lines were taken out, or the log was cut off and went on"
                                      : "lines were moved, or repeated"));
    }
    if (chain_hash(head_.hash, chained->content) != chained->point.hash) {
      if (!odd_line_.empty()) return break_at_odd_line();
      return break_at("audit.hash_wrong",
                      "the hash does not fit: this line was altered, or the one before it was "
                      "replaced");
    }
    if (!odd_line_.empty() && !explains_odd_line(line.text)) return break_at_odd_line();
    odd_line_.clear();
    before_ = head_.hash;
    head_ = chained->point;
    ++report_.lines;
    if (is_first) report_.first_line = head_.number;
    report_.last_line = head_.number;
    check_expected();
    if (is_checkpoint(line.text)) take_checkpoint(line.text);
    take_pruned(line.text);
  }

  // "…,"detail":"LAST LINE"…": files up to this line were deleted by the log's own retention.
  void take_pruned(std::string_view text) {
    if (text.find(pruned_member) == std::string_view::npos) return;
    const auto document = parse_json(text, {.bytes_max = SIZE_MAX});
    const std::string through =
        document ? string_member(*document, "detail").value_or("") : std::string();
    uint64_t number = 0;
    const auto read = std::from_chars(through.data(), through.data() + through.size(), number);
    if (read.ec == std::errc()) pruned_through_ = std::max(pruned_through_, number);
  }

  // The first line there is. Line 1 begins the chain; another one must be a checkpoint, whose
  // signature says what went before.
  bool accept_start(std::string_view text, const ChainedLine& chained) {
    if (!odd_line_.empty() && chained.point.number != 1) {
      break_at_odd_line();
      return false;
    }
    if (!odd_line_.empty()) {
      // Before there was a chain, lines had none.
      note("audit.unprotected",
           fmt::format("{} lines before this one are not in the chain: an earlier version wrote "
                       "them, or somebody put them there",
                       odd_lines_));
      odd_line_.clear();
    }
    head_ = {.number = chained.point.number - 1, .hash = {}};
    if (chained.point.number == 1) return true;
    const auto checkpoint = parse_checkpoint(text);
    if (!checkpoint || checkpoint->checkpoint.previous.number != head_.number) {
      break_at("audit.start_missing",
               fmt::format("the log begins with line {}, which is no checkpoint: what stood before "
                           "it was cut off",
                           chained.point.number));
      return false;
    }
    head_ = checkpoint->checkpoint.previous;
    unexplained_start_ = head_.number;
    return true;
  }

  // A line that is not in the chain. It is explained by what the next writer says about it.
  void take_odd_line(std::string_view text) {
    if (report_.lines > 0 && !odd_line_.empty()) return break_at_odd_line();
    ++odd_lines_;
    if (report_.lines == 0 && !odd_line_.empty()) return;  // the first one is told
    odd_line_ = text.empty() ? std::string("\n") : std::string(text);
    odd_line_number_ = line_;
    odd_file_ = file_;
  }
  bool explains_odd_line(std::string_view line) {
    if (line.find(repaired_member) == std::string_view::npos) return false;
    const auto document = parse_json(line, {.bytes_max = SIZE_MAX});
    if (!document || string_member(*document, "detail") != describe_torn(odd_line_)) return false;
    const uint64_t here = std::exchange(line_, odd_line_number_);
    note("audit.torn_repaired",
         "a line that broke off when its process ended; the next line, in the chain, says so");
    line_ = here;
    return true;
  }
  void break_at_odd_line() {
    line_ = odd_line_number_;
    file_ = odd_file_;
    break_at("audit.not_chained",
             "the line is not in the chain: it was put in, or altered beyond recognition");
  }

  void take_checkpoint(std::string_view text) {
    const auto checkpoint = parse_checkpoint(text);
    if (!checkpoint) return break_at("audit.bad_checkpoint", checkpoint.error().public_text);
    const auto key = std::ranges::find(options_.keys, checkpoint->key_id, &checkpoint_key_id);
    if (key == options_.keys.end()) {
      return break_at(
          "audit.key_unknown",
          fmt::format("signed with the key {}, which is none of those given", checkpoint->key_id));
    }
    // What it says of the line before it, and that it was signed.
    const bool fits = checkpoint->checkpoint.previous.number == head_.number - 1;
    if (!fits || !verify_checkpoint(*checkpoint, *key)) {
      return break_at("audit.bad_checkpoint", "the checkpoint's signature does not hold");
    }
    if (report_.lines > 1 && checkpoint->checkpoint.previous.hash != before_) {
      return break_at("audit.bad_checkpoint", "the checkpoint is of another log");
    }
    ++report_.checkpoints;
    report_.signed_through = head_.number - 1;
  }

  void check_expected() {
    const auto known = expected_.find(head_.number);
    if (known != expected_.end() && known->second != head_) {
      break_at(
          "audit.other_history",
          fmt::format("line {} is not the checkpoint that is known from elsewhere: the log was "
                      "rewritten",
                      head_.number));
    }
  }

  void finish() {
    line_ = 0;
    if (!expected_.empty() && expected_.rbegin()->first > head_.number) {
      return break_at("audit.cut_off",
                      fmt::format("the log ends with line {}, but line {} is known from elsewhere: "
                                  "its end was cut off",
                                  head_.number, expected_.rbegin()->first));
    }
    if (report_.lines == 0) return break_at("audit.empty", "the log has no line in the chain");
    if (report_.checkpoints == 0) {
      return break_at("audit.no_checkpoint", "no checkpoint is in the log: nothing is signed");
    }
    check_start();
    if (report_.signed_through < head_.number - 1) {
      note("audit.not_yet_signed", fmt::format("the last {} lines are behind the last checkpoint",
                                               head_.number - 1 - report_.signed_through));
    }
  }

  // Files that are gone must have been deleted by the log's own retention.
  void check_start() {
    if (unexplained_start_ == 0) return;
    file_ = options_.files.front();
    line_ = 1;
    if (pruned_through_ < unexplained_start_) {
      return break_at("audit.start_missing",
                      fmt::format("the first {} lines are not there, and no log_pruned line says "
                                  "that they were deleted",
                                  unexplained_start_));
    }
    note("audit.pruned",
         fmt::format("the first {} lines were deleted by keep_files", unexplained_start_));
  }

  const VerifyOptions& options_;
  std::map<uint64_t, ChainPoint> expected_;
  VerifyReport report_;
  std::string file_;
  uint64_t line_ = 0;
  ChainPoint head_;
  crypto::Sha256Digest before_{};  // the hash of the line before the head
  std::string odd_line_;           // one that is not in the chain and is not explained yet
  uint64_t odd_line_number_ = 0;
  std::string odd_file_;
  uint64_t odd_lines_ = 0;
  uint64_t unexplained_start_ = 0;  // lines before the first one
  uint64_t pruned_through_ = 0;
};

}  // namespace

Result<VerifyReport> verify_audit_log(const VerifyOptions& options) {
  if (options.keys.empty()) {
    return fail(ErrorKind::misconfigured, "audit.no_key",
                "No public key is given that could have signed the log's checkpoints.");
  }
  std::map<uint64_t, ChainPoint> expected;
  for (const std::string& line : options.expected) {
    const auto chained = parse_chained_line(line);
    CS_TRY(const SignedCheckpoint checkpoint, parse_checkpoint(line));
    const auto key = std::ranges::find(options.keys, checkpoint.key_id, &checkpoint_key_id);
    if (!chained || key == options.keys.end() || !verify_checkpoint(checkpoint, *key) ||
        chain_hash(checkpoint.checkpoint.previous.hash, chained->content) != chained->point.hash) {
      return fail(ErrorKind::invalid_input, "audit.bad_checkpoint",
                  "The checkpoint that is expected is none, or not signed with the key.");
    }
    expected[chained->point.number] = chained->point;
  }
  return Verifier(options, std::move(expected)).run();
}

}  // namespace countersign::provider
