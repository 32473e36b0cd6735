#include "cli/output.h"

#include <algorithm>
#include <cstdio>

#include "core/json.h"

namespace countersign::cli {
namespace {

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string to_json(const OutputRecord& record) {
  std::string out = "{";
  for (const OutputRecord::Member& member : record.members()) {
    if (out.size() > 1) out += ", ";
    out += json_string(member.name) + ": " + member.json;
  }
  return out + "}";
}

// What a terminal could take for a command is not printed: names and notes come from people.
std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return out.empty() ? "-" : out;
}

void put(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace

OutputRecord& OutputRecord::text(std::string_view name, std::string_view value) {
  members_.push_back({std::string(name), printable(value), json_string(value)});
  return *this;
}

OutputRecord& OutputRecord::number(std::string_view name, int64_t value) {
  members_.push_back({std::string(name), std::to_string(value), std::to_string(value)});
  return *this;
}

OutputRecord& OutputRecord::boolean(std::string_view name, bool value) {
  members_.push_back({std::string(name), value ? "yes" : "no", value ? "true" : "false"});
  return *this;
}

OutputRecord& OutputRecord::list(std::string_view name, const std::vector<std::string>& values) {
  std::string shown;
  std::string json = "[";
  for (const std::string& value : values) {
    shown += (shown.empty() ? "" : " ") + value;
    json += (json.size() > 1 ? ", " : "") + json_string(value);
  }
  members_.push_back({std::string(name), printable(shown), json + "]"});
  return *this;
}

void print(const OutputRecord& record, OutputForm form) {
  if (form == OutputForm::json) {
    put(to_json(record) + "\n");
    return;
  }
  size_t width = 0;
  for (const OutputRecord::Member& member : record.members())
    width = std::max(width, member.name.size());
  for (const OutputRecord::Member& member : record.members()) {
    put(member.name + ":" + std::string(width + 1 - member.name.size(), ' ') + member.shown + "\n");
  }
}

void print(const std::vector<OutputRecord>& rows, OutputForm form) {
  if (form == OutputForm::json) {
    std::string out = "[";
    for (const OutputRecord& row : rows) out += (out.size() > 1 ? ", " : "") + to_json(row);
    put(out + "]\n");
    return;
  }
  if (rows.empty()) {
    put("none\n");
    return;
  }
  std::vector<size_t> widths;
  for (const OutputRecord::Member& member : rows.front().members())
    widths.push_back(member.name.size());
  for (const OutputRecord& row : rows) {
    for (size_t i = 0; i < widths.size(); ++i)
      widths[i] = std::max(widths[i], row.members()[i].shown.size());
  }
  const auto line = [&](const OutputRecord& row, bool header) {
    for (size_t i = 0; i < widths.size(); ++i) {
      const std::string& cell = header ? row.members()[i].name : row.members()[i].shown;
      put(cell);
      put(i + 1 == widths.size() ? "\n" : std::string(widths[i] + 2 - cell.size(), ' '));
    }
  };
  line(rows.front(), true);
  for (const OutputRecord& row : rows) line(row, false);
}

}  // namespace countersign::cli
