#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds oneTBB with -fsanitize=thread from Debian's own source package.
# The stock library is not instrumented, so every hand-over between nodes looks like a race.
# Use: scripts/tsan_tbb.sh BUILD_DIR && LD_LIBRARY_PATH=BUILD_DIR/lib ctest --preset tsan
set -euo pipefail
out=$(realpath -m "${1:?give a folder to build in}")
log=$out/log
mkdir -p "$out"/{parts,lists/partial,src,lib}
trap '[ $? -eq 0 ] || { tail -n 40 "$log"; echo "tsan_tbb.sh: failed, see $log"; } >&2' EXIT

# The machine's own Debian sources, as source packages; other vendors' suites are left out.
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
for file in /etc/apt/sources.list.d/*.sources; do
  if [ -e "$file" ] && grep -q "^Suites:.*\b$suite\b" "$file"; then
    sed 's/^Types:.*/Types: deb-src/' "$file" > "$out/parts/$(basename "$file")"
  fi
done
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
  if [ -s "$file" ]; then
    sed -nE "s/^deb (.*[[:space:]]$suite(-[a-z]+)?[[:space:]].*)/deb-src \1/p" "$file" > "$out/parts/$(basename "$file" .list).list"
  fi
done

{
  apt=(-o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$out/parts" -o "Dir::State::lists=$out/lists"
       -o APT::Sandbox::User=root)
  apt-get "${apt[@]}" update
  (cd "$out" && apt-get "${apt[@]}" source --download-only onetbb)
  tar -xf "$out"/onetbb_*.orig.tar.xz -C "$out/src" --strip-components=1
  cmake -S "$out/src" -B "$out/build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DTBB_TEST=OFF -DTBB_STRICT=OFF -DTBBMALLOC_BUILD=OFF -DTBB_ENABLE_IPO=OFF -DTBB_SANITIZE=thread
  ninja -C "$out/build" tbb
  cp -a "$out"/build/*/libtbb.so* "$out/lib/"
} > "$log" 2>&1
