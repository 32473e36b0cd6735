#include "support/postgres_server.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/error.h"

namespace countersign::testing {
namespace {

namespace fs = std::filesystem;

constexpr int start_attempts = 5;  // another process may take the port first

fs::path find_programs() {
  for (const char* version : {"17", "16", "15"}) {
    const fs::path folder = fs::path("/usr/lib/postgresql") / version / "bin";
    if (fs::exists(folder / "postgres") && fs::exists(folder / "initdb")) return folder;
  }
  return {};
}

struct User {
  uid_t uid;
  gid_t gid;
};

// Whom a child becomes; nullopt: nobody else.
std::optional<User> other_user() {
  if (geteuid() != 0) return std::nullopt;
  const passwd* entry = getpwnam("postgres");
  if (entry == nullptr) entry = getpwnam("nobody");
  if (entry == nullptr) panic("there is no user that PostgreSQL could run as");
  return User{entry->pw_uid, entry->pw_gid};
}

// In the child: only what is safe after fork(). A change of user clears the parent-death signal, so
// that comes after it.
[[noreturn]] void become(const std::vector<char*>& argv, const std::optional<User>& user, int log,
                         const char* folder) {
  const bool changed =
      !user || (setgroups(0, nullptr) == 0 && setgid(user->gid) == 0 && setuid(user->uid) == 0);
  const int nothing = open("/dev/null", O_RDONLY);
  if (!changed || prctl(PR_SET_PDEATHSIG, SIGQUIT) != 0 || chdir(folder) != 0 ||
      dup2(nothing, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0) {
    _exit(126);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execv(argv[0], argv.data());
  _exit(127);
}

// The child's pid, and the end of the pipe that its output comes from.
std::pair<pid_t, int> spawn(std::vector<std::string> command, const std::string& folder) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) panic("no pipe can be made");
  std::vector<char*> argv;
  for (std::string& word : command) argv.push_back(word.data());
  argv.push_back(nullptr);
  const auto user = other_user();
  const pid_t pid = fork();
  if (pid < 0) panic("no process can be made");
  if (pid == 0) become(argv, user, ends[1], folder.c_str());
  close(ends[1]);
  return {pid, ends[0]};
}

int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

bool read_some(int pipe, std::string& into) {
  std::array<char, 4096> buffer;
  ssize_t got = 0;
  do {
    got = read(pipe, buffer.data(), buffer.size());
  } while (got < 0 && errno == EINTR);
  if (got > 0) into.append(buffer.data(), static_cast<size_t>(got));
  return got > 0;
}

void run_to_end(const std::vector<std::string>& command, const std::string& folder) {
  const auto [pid, pipe] = spawn(command, folder);
  std::string output;
  while (read_some(pipe, output)) {
  }
  close(pipe);
  if (wait_for(pid) != 0) panic(command[0] + " failed: " + output);
}

int free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (fd < 0 || bind(fd, any, size) != 0 || getsockname(fd, any, &size) != 0)
    panic("no port is free");
  close(fd);
  return ntohs(address.sin_port);
}

}  // namespace

bool PostgresServer::installed() {
  return !find_programs().empty();
}

PostgresServer& PostgresServer::shared() {
  static PostgresServer server;
  return server;
}

PostgresServer::PostgresServer() {
  make_cluster();
  for (int attempt = 0; pid_ < 0; ++attempt) {
    if (attempt == start_attempts) panic("PostgreSQL does not start: " + log_);
    port_ = free_port();
    start();
  }
  run_sql("postgres", "CREATE ROLE app LOGIN PASSWORD '" + std::string(password) + "'");
}

PostgresServer::~PostgresServer() {
  if (pid_ < 0) return;
  kill(pid_, SIGQUIT);
  wait_for(pid_);
  collector_.join();
}

void PostgresServer::make_cluster() {
  if (const auto user = other_user()) {
    if (chown(folder_.path().c_str(), user->uid, user->gid) != 0)
      panic("the folder cannot be given away");
  }
  run_to_end({find_programs() / "initdb", "--pgdata", folder_ / "data", "--username", "postgres",
              "--auth-local", "trust", "--auth-host", "scram-sha-256", "--encoding", "UTF8",
              "--no-locale", "--no-sync"},
             folder_.path());
}

std::vector<std::string> PostgresServer::server_command() const {
  std::vector<std::string> command{
      find_programs() / "postgres", "-D", folder_ / "data", "-k", folder_.path(), "-p",
      std::to_string(port_)};
  for (const char* setting :
       {"listen_addresses=127.0.0.1", "fsync=off", "full_page_writes=off", "synchronous_commit=off",
        "shared_buffers=16MB", "max_connections=200", "unix_socket_permissions=0700",
        "log_statement=none", "logging_collector=off", "log_destination=stderr"}) {
    command.emplace_back("-c");
    command.emplace_back(setting);
  }
  if (offers_tls_) {
    command.emplace_back("-c");
    command.emplace_back("ssl=on");
  }
  return command;
}

void PostgresServer::offer_tls(std::string_view certificate_chain_pem,
                               std::string_view private_key_pem) {
  const auto put = [this](std::string_view name, std::string_view text) {
    const fs::path path = fs::path(folder_ / "data") / name;
    std::ofstream(path, std::ios::binary) << text;
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
    const auto user = other_user();
    if (user && chown(path.c_str(), user->uid, user->gid) != 0)
      panic("a file cannot be given away");
  };
  put("server.crt", certificate_chain_pem);
  put("server.key", private_key_pem);
  offers_tls_ = true;
  stop();
  start();
  if (pid_ < 0) panic("PostgreSQL does not start with TLS: " + log_);
}

void PostgresServer::start() {
  const auto [pid, pipe] = spawn(server_command(), folder_.path());
  pid_ = pid;
  {
    const std::lock_guard lock(mutex_);
    log_.clear();
    ended_ = false;
  }
  collector_ = std::thread([this, end = pipe] { collect(end); });
  if (wait_until_ready()) return;
  wait_for(pid_);
  collector_.join();
  pid_ = -1;
}

void PostgresServer::collect(int pipe) {
  for (bool more = true; more;) {
    std::string piece;
    more = read_some(pipe, piece);
    const std::lock_guard lock(mutex_);
    log_ += piece;
    ended_ = !more;
    changed_.notify_all();
  }
  close(pipe);
}

bool PostgresServer::wait_until_ready() {
  constexpr std::string_view ready = "database system is ready to accept connections";
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return ended_ || log_.find(ready) != std::string::npos; });
  return log_.find(ready) != std::string::npos;
}

void PostgresServer::stop() {
  kill(pid_, SIGINT);
  wait_for(pid_);
  collector_.join();
  pid_ = -1;
}

std::string PostgresServer::log() const {
  const std::lock_guard lock(mutex_);
  return log_;
}

std::string PostgresServer::create_database() {
  const std::string name = "test_" + std::to_string(++databases_);
  run_sql("postgres", "CREATE DATABASE " + name + " OWNER app");
  return name;
}

std::string PostgresServer::conninfo(std::string_view database) const {
  return "host=" + folder_.path().string() + " port=" + std::to_string(port_) +
         " user=app dbname=" + std::string(database);
}

std::string PostgresServer::tcp_conninfo(std::string_view database) const {
  return "host=127.0.0.1 port=" + std::to_string(port_) +
         " user=app dbname=" + std::string(database);
}

void PostgresServer::run_sql(std::string_view database, std::string_view sql) {
  run_to_end({find_programs() / "psql", "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", "-h",
              folder_.path(), "-p", std::to_string(port_), "-U", "postgres", "-d",
              std::string(database), "-c", std::string(sql)},
             folder_.path());
}

}  // namespace countersign::testing
