// A strict reader of Prometheus's text format 0.0.4: what a scraper or its linter would refuse or
// complain about is a problem here.

#pragma once

#include <charconv>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/ascii.h"

namespace countersign::testing {

class MetricsReader final {
 public:
  explicit MetricsReader(std::string_view page) {
    if (!page.empty() && !page.ends_with('\n')) problem("the last line does not end");
    while (!page.empty()) {
      const size_t end = std::min(page.find('\n'), page.size());
      line(page.substr(0, end));
      page.remove_prefix(std::min(end + 1, page.size()));
    }
    for (const auto& [name, family] : families_) check_family(name, family);
  }

  const std::vector<std::string>& problems() const { return problems_; }
  // "name{labels}" exactly as written; -1 if it is not there.
  double value(const std::string& series) const {
    const auto found = values_.find(series);
    return found == values_.end() ? -1 : found->second;
  }
  std::vector<std::string> family_names() const { return order_; }
  size_t series() const { return values_.size(); }

 private:
  struct Family {
    std::string type;
    bool help = false;
  };

  void problem(std::string text) { problems_.push_back(std::move(text)); }

  static bool is_name(std::string_view text) {
    if (text.empty() || ascii::is_digit(text.front())) return false;
    for (const char c : text) {
      if (!ascii::is_alnum(c) && c != '_') return false;
    }
    return true;
  }

  void line(std::string_view text) {
    if (text.starts_with("# HELP ")) return help(text.substr(7));
    if (text.starts_with("# TYPE ")) return type(text.substr(7));
    if (text.empty() || text.starts_with('#')) return problem("odd line: " + std::string(text));
    sample(text);
  }

  void help(std::string_view text) {
    const size_t space = text.find(' ');
    const std::string name(text.substr(0, space));
    if (!is_name(name) || space == std::string_view::npos) return problem("bad HELP: " + name);
    if (families_.contains(name)) problem("HELP twice or late: " + name);
    families_[name].help = true;
    order_.push_back(name);
  }

  void type(std::string_view text) {
    const size_t space = text.find(' ');
    const std::string name(text.substr(0, space));
    Family& family = families_[name];
    if (!family.type.empty()) problem("TYPE twice: " + name);
    if (order_.empty() || order_.back() != name) problem("TYPE is not behind its HELP: " + name);
    family.type = space == std::string_view::npos ? "" : text.substr(space + 1);
  }

  // name{label="value",…} number
  void sample(std::string_view text) {
    const std::string_view all = text;
    const size_t name_end = text.find_first_of("{ ");
    if (name_end == std::string_view::npos || !is_name(text.substr(0, name_end)))
      return problem("bad name: " + std::string(all));
    check_belongs(text.substr(0, name_end));
    text.remove_prefix(name_end);
    if (text.starts_with('{') && !labels(text)) return problem("bad labels: " + std::string(all));
    if (!text.starts_with(' ')) return problem("no space before the value: " + std::string(all));
    const std::string series(all.substr(0, all.size() - text.size()));
    text.remove_prefix(1);
    double number = 0;
    if (text == "+Inf") {
      number = HUGE_VAL;
    } else {
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error != std::errc() || end != text.data() + text.size())
        return problem("bad value: " + std::string(all));
    }
    if (!values_.emplace(series, number).second) problem("series twice: " + series);
  }

  bool labels(std::string_view& text) {
    std::set<std::string_view> names;
    do {
      text.remove_prefix(1);
      const size_t equals = text.find("=\"");
      if (equals == std::string_view::npos || !is_name(text.substr(0, equals))) return false;
      if (!names.insert(text.substr(0, equals)).second) return false;
      text.remove_prefix(equals + 2);
      while (!text.empty() && text.front() != '"') {
        if (text.front() == '\\') {
          if (text.size() < 2 || std::string_view("\\\"n").find(text[1]) == std::string_view::npos)
            return false;
          text.remove_prefix(1);
        }
        text.remove_prefix(1);
      }
      if (text.empty()) return false;
      text.remove_prefix(1);
    } while (text.starts_with(','));
    if (!text.starts_with('}')) return false;
    text.remove_prefix(1);
    return true;
  }

  // A sample stands in its family's group.
  void check_belongs(std::string_view name) {
    if (order_.empty()) return problem("a sample before its family: " + std::string(name));
    const std::string& family = order_.back();
    std::string_view base = name;
    if (families_[family].type == "histogram") {
      for (const std::string_view suffix : {"_bucket", "_sum", "_count"}) {
        if (base.ends_with(suffix)) base.remove_suffix(suffix.size());
      }
    }
    if (base != family) problem("a sample outside its family: " + std::string(name));
  }

  void check_family(const std::string& name, const Family& family) {
    if (!family.help) problem("no HELP: " + name);
    if (family.type != "counter" && family.type != "gauge" && family.type != "histogram")
      problem("bad TYPE: " + name);
    if ((family.type == "counter") != name.ends_with("_total"))
      problem("_total is for counters, and every counter has it: " + name);
    for (const std::string_view unit : {"_ms", "_milliseconds", "_kilobytes", "_minutes"}) {
      if (name.find(unit) != std::string::npos) problem("not a base unit: " + name);
    }
  }

  std::map<std::string, Family> families_;
  std::map<std::string, double> values_;
  std::vector<std::string> order_;
  std::vector<std::string> problems_;
};

}  // namespace countersign::testing
