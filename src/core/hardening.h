// What every long-running program of ours does first: secrets of this process must not end up on a
// disk.

#pragma once

namespace countersign {

// No core dumps, and no reading of this process's memory by other processes of the same user
// (ptrace, /proc/PID/mem). Also tightens the umask, so that files made later are the owner's only.
// Fails closed: aborts if the kernel refuses.
void harden_process();

}  // namespace countersign
