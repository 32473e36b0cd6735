# Reads C++ sources; for each .cc file that is not a test, prints the file and everything of ours that it includes,
# through headers too, on one line.

function folder_of(file) {
  sub(/[^\/]*$/, "", file)
  return file
}

function resolve(name, from,   i) {
  for (i = 1; i <= roots; i++) {
    if ((root[i] name) in known) return root[i] name
  }
  return (folder_of(from) name) in known ? folder_of(from) name : ""
}

function walk(file,   parts, count, i, target) {
  if (file in seen) return
  seen[file] = 1
  line = line " " file
  count = split(includes[file], parts, "\n")
  for (i = 1; i < count; i++) {
    target = resolve(parts[i], file)
    if (target != "") walk(target)
  }
}

BEGIN { roots = split("src/ include/ apps/", root, " ") }

FNR == 1 {
  known[FILENAME] = 1
  order[++files] = FILENAME
}

/^#include "/ {
  split($0, quoted, "\"")
  includes[FILENAME] = includes[FILENAME] quoted[2] "\n"
}

END {
  for (n = 1; n <= files; n++) {
    if (order[n] !~ /\.cc$/ || order[n] ~ /_test\.cc$/) continue
    line = ""
    delete seen
    walk(order[n])
    print substr(line, 2)
  }
}
