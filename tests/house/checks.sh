# The house rules as functions: each takes the root of a git working tree, prints one line for each offence, and fails if there
# was one. What a rule does not hold for is said in its pattern or in exceptions.txt, with the reason.

house=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")

# Prints tracked files that match the pathspecs. Test data and this folder (it must spell out what it forbids) are left out.
tracked() {
  local root=$1
  shift
  git -C "$root" ls-files -- "$@" ':!tests/house/*' ':!**/golden/*' ':!LICENSE'
}

# Prints "FILE:LINE: text" of each match; fails if there is one.
forbid() {
  local root=$1 pattern=$2 found
  shift 2
  found=$(cd "$root" && tracked . "$@" | xargs -r -d '\n' grep -nEI -e "$pattern" /dev/null || true)
  [ -z "$found" ] || { echo "$found"; return 1; }
}

# Scripts that are run; what they source is checked with them.
scripts() {
  local file
  git -C "$1" ls-files | while read -r file; do
    head -c 64 "$1/$file" | head -n 1 | grep -qaE '^#!.*\b(ba)?sh\b' && echo "$file"
  done
}

check_arrows() { python3 "$house/arrows.py" "$1"; }

check_file_sizes() {
  local root=$1 file lines status=0
  while read -r file; do
    lines=$(wc -l <"$root/$file")
    [ "$lines" -gt 500 ] || continue
    grep -qE "^long +$file +# .+" "$root/tests/house/exceptions.txt" 2>/dev/null && continue
    echo "$file: $lines lines, more than 500"
    status=1
  done < <(tracked "$root" '*.cpp' '*.hpp' '*.h' '*.c' '*.sh' '*.py' '*.go' 'run' '*CMakeLists.txt')
  return $status
}

check_format() {
  (cd "$1" && git ls-files '*.cpp' '*.hpp' '*.h' '*.c' | xargs -r -d '\n' clang-format --dry-run -Werror) 2>&1 |
    awk -F: '/ error: / && !seen[$1]++ {print $1 ": not formatted, first at line " $2; bad = 1} END {exit bad}'
}

# Waiting is `eventually`, in lib.sh and in C++: a sleep is too short on a slow machine and too long on all others. A process that
# only has to exist (`sleep infinity`) waits for nothing.
check_no_sleeps_in_tests() {
  forbid "$1" '\bsleep_(for|until)\b|\bu?sleep\(|\bnanosleep\(|\bsleep +[0-9.$"]' 'tests/' ':!tests/lib.sh'
}

# A product that knows it is being tested is tested as something else.
check_no_test_switches() {
  forbid "$1" '\bif \(!?(is_|in_)?test(ing|_mode)?_?\)|# *if(def|ndef)? +.*\bTEST(ING)?\b|\bFRIEND_TEST\b' \
    '*.cpp' '*.hpp' '*.h' '*.c' ':!tests/'
}

check_shell() {
  local root=$1 found
  found=$(cd "$root" && scripts . | xargs -r -d '\n' shellcheck -x -a -P SCRIPTDIR --severity=info --format=gcc | sort -u)
  [ -z "$found" ] || { echo "$found"; return 1; }
}

check_no_private_paths() { forbid "$1" '(^|[^A-Za-z0-9_.}-])/(work|home/[a-z]+)/' '.'; }

check_sources_open_with_a_comment() {
  local root=$1 file status=0
  while read -r file; do
    head -n 1 "$root/$file" | grep -qE '^(//|/\*)' && continue
    echo "$file: does not open with a comment that says what it is"
    status=1
  done < <(tracked "$root" '*.cpp' '*.hpp' '*.h' '*.c' ':!tests/')
  return $status
}

check_readmes_end_in_review_notes() {
  local root=$1 file status=0
  while read -r file; do
    grep -q '^Review notes: flag a change that' "$root/$file" || { echo "$file: no review notes"; status=1; }
    [ "$(wc -l <"$root/$file")" -le 80 ] || { echo "$file: more than a page"; status=1; }
  done < <(tracked "$root" ':(glob)*/README.md')
  return $status
}
