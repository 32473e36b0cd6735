// A throw-away PostgreSQL for tests: made by initdb in a temporary folder, without fsync, ended
// with the object (and with the process, if that is killed). Reached through a Unix socket in a
// folder that only its owner can enter, and on loopback with a password.
//
// PostgreSQL refuses to run as root; a test that does starts it as the user "postgres".

#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sys/types.h>

#include "support/temporary_folder.h"

namespace countersign::testing {

class PostgresServer final {
 public:
  static constexpr std::string_view password = "a password of the tests only";

  // Whether the programs of PostgreSQL 15 or newer are there; without them a test skips:
  //   if (!PostgresServer::installed()) GTEST_SKIP() << PostgresServer::how_to_install;
  static bool installed();
  static constexpr std::string_view how_to_install =
      "PostgreSQL's programs are missing: apt-get install postgresql";

  // The one of this process, started at the first call.
  static PostgresServer& shared();

  PostgresServer();  // panics if it cannot be started
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  // A fresh database, owned by the role "app", which is no superuser. Its name.
  std::string create_database();
  // For that role: through the Unix socket; and over TCP, where the password is asked for.
  std::string conninfo(std::string_view database) const;
  std::string tcp_conninfo(std::string_view database) const;
  // One or more statements by the superuser.
  void run_sql(std::string_view database, std::string_view sql);

  // Restarts: TLS is offered from here on, to whoever asks for it.
  void offer_tls(std::string_view certificate_chain_pem, std::string_view private_key_pem);

  // SIGINT: sessions are ended, data is kept. Then start() brings it back on the same port.
  void stop();
  void start();
  // What it wrote to its log so far.
  std::string log() const;

 private:
  void make_cluster();
  void collect(int pipe);
  bool wait_until_ready();
  std::vector<std::string> server_command() const;

  TemporaryFolder folder_;
  int port_ = 0;
  int databases_ = 0;
  bool offers_tls_ = false;
  pid_t pid_ = -1;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string log_;
  bool ended_ = false;
  std::thread collector_;
};

}  // namespace countersign::testing
