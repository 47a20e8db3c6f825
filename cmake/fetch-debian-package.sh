#!/bin/sh
# Downloads a Debian package with apt and unpacks it into a new folder. Installs nothing and needs no rights: apt's
# state and cache are in a temporary folder.
#   fetch-debian-package.sh PACKAGE SUITE FOLDER      (SUITE "system": wherever this system's packages come from)
# Several may run at once for the same FOLDER: it appears complete, by a rename, or not at all.
set -eu
package=$1 suite=$2 folder=$3

command -v apt-get >/dev/null || { echo "apt-get: not on this system"; exit 1; }
mkdir -p "$(dirname "$folder")"
work=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/sources" "$work/root"

apt() {
  apt-get -qq -o Dir::State="$work/state" -o Dir::Cache="$work/cache" -o APT::Sandbox::User= \
    -o Acquire::Languages=none -o Acquire::Retries=1 -o Acquire::http::Timeout=15 -o Acquire::https::Timeout=15 "$@"
}

if [ "$suite" != system ]; then
  # The system's own archives with another suite. Suites such as "x-updates" or "x-security" name archives beside the
  # main one, and suites with a slash have no components: both are left out.
  for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -r "$list" ] && awk -v suite="$suite" '
      /^[ \t]*deb[ \t]/ {
        sub(/^[ \t]*deb[ \t]+/, ""); sub(/#.*/, "")
        options = ""
        if (match($0, /^\[[^]]*\][ \t]*/)) { options = substr($0, 1, RLENGTH); $0 = substr($0, RLENGTH + 1) }
        if ($2 !~ /[-\/]/ && / main( |$)/) print "deb " options $1 " " suite " main"
      }' "$list"
  done | sort -u >"$work/sources/one-line.list"
  for list in /etc/apt/sources.list.d/*.sources; do
    [ -r "$list" ] && awk -v suite="$suite" '
      BEGIN { RS = ""; FS = "\n" }
      {
        text = ""; kept = 0
        for (i = 1; i <= NF; i++) {
          line = $i
          if (line ~ /^#/) continue
          if (tolower(line) ~ /^suites:/) {
            words = split(line, word, /[ \t]+/)
            for (w = 2; w <= words; w++) if (word[w] != "" && word[w] !~ /[-\/]/) kept = 1
            line = "Suites: " suite
          }
          if (tolower(line) ~ /^components:/) line = "Components: main"
          text = text line "\n"
        }
        if (kept && tolower(text) !~ /\nenabled: *no\n/) print text
      }' "$list"
  done >"$work/sources/paragraphs.sources"
  # An archive among them that lacks the suite makes update fail, and is no harm if another has it.
  sources="-o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=$work/sources"
fi

apt ${sources:-} update || true
(cd "$work/cache" && apt ${sources:-} download "$package")
dpkg-deb -x "$work"/cache/"$package"_*.deb "$work/root"
mv -T "$work/root" "$folder" 2>/dev/null || [ -d "$folder" ]
