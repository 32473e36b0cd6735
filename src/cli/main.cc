// countersign: the program. Everything is in the commands.

#include "cli/command_line.h"
#include "core/hardening.h"

int main(int argc, char** argv) {
  countersign::harden_process();
  return countersign::cli::run(argc, argv);
}
