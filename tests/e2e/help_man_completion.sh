#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# --help, the man pages and the completions of three shells name the same commands and the same options.
source "$(dirname "$0")/lib.sh"
scripts="$BUILD_DIR/completions"

# same WHAT HELP OTHERS: two lists of words, one a line.
failed=0
same() {
  diff <(sort -u <<<"$2") <(sort -u <<<"$3") >difference && return
  echo "$1 (>) differ from --help (<):" && cat difference
  failed=1
} >&2

help_options() { "$FLARESTACK" "$@" --help | grep -oE '^  -[^ ]+' | tr -d ' ' | tr , '\n'; }
man_options() {
  awk '$1 == ".It" { flag = 0
         for (i = 2; i <= NF; i++) if ($i == "Fl") flag = 1; else if ($i == "Ar") flag = 0
                                   else if (flag && $i != ",") print "-" $i }' "$BUILD_DIR/man/flarestack${1:+-$1}.1"
}
bash_words() (  # WORD...: what completes the last of them
  source "$scripts/flarestack.bash"
  COMP_WORDS=(flarestack "$@") COMP_CWORD=$#
  _flarestack
  printf '%s\n' "${COMPREPLY[@]}"
)
# The names in the specifications that the last call of _arguments gets: "--format=[...]", "(-h --help)--help[...]".
zsh_options() {
  zsh -fc 'compdef() { }; _describe() { }; . $1; words=("$2")
           _arguments() { last=("$@"); state=${words[1]:+argument} }
           _flarestack; print -rl -- $last' zsh "$scripts/flarestack.zsh" "$1" |
    sed -nE 's/^(\([^)]*\))?(--?[a-z][-a-z]*)=?\[.*/\2/p'
}
fish_words() { fish --no-config -c "source $scripts/flarestack.fish; complete -C '$1'" | cut -f 1; }

commands=$("$FLARESTACK" --help | sed -nE '/^Subcommands:/,/^$/s/^  ([a-z]+) .*/\1/p')
[[ $commands == *record*doctor* ]]
same "man pages" "$commands" "$(cd "$BUILD_DIR/man" && ls flarestack-*.1 | sed 's/flarestack-//; s/\.1$//')"
same "commands in flarestack.1" "$commands" "$(sed -nE 's/^\.It Xr flarestack-(.*) 1$/\1/p' "$BUILD_DIR/man/flarestack.1")"
same "bash commands" "$commands" "$(bash_words '')"
same "fish commands" "$commands" "$(fish_words 'flarestack ')"
for command in '' $commands; do
  options=$(help_options $command)
  [[ $options == *--help* ]]
  same "man page options of '$command'" "$options" "$(man_options "$command")"
  same "bash options of '$command'" "$options" "$(bash_words $command -)"
  same "zsh options of '$command'" "$options" "$(zsh_options "$command")"
  same "fish options of '$command'" "$options" "$(fish_words "flarestack $command -")"
done

formats=$("$FLARESTACK" report --help | sed -nE 's/^  --format .*\{(.*)\}.*/\1/p' | tr , '\n')
[[ $formats == *json* ]]
same "bash --format" "$formats" "$(bash_words report --format '')"
same "bash --format=" "$formats" "$(bash_words report --format =)"
same "fish --format" "$formats" "$(fish_words 'flarestack report --format ')"
grep -qx true <<<"$(bash_words record -- tru)" || fail "bash does not complete the program"
grep -qx true <<<"$(fish_words 'flarestack record -- tru')" || fail "fish does not complete the program"
mandoc -Tlint -Wwarning "$BUILD_DIR"/man/*.1 || fail "man pages have mistakes"
[ "$failed" = 0 ] || fail "the above differ"
