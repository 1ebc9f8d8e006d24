# Shared by scripts/demo, scripts/test, scripts/real-llm and Benchmarks. POSIX sh; read with `.`, not run.
# Whoever reads it has set `root` to the top of the checkout and gone there.

# The oldest compiler that builds this package.
swift_major=6
swift_minor=3

say() { printf '%s\n' "$*" >&2; }
fail() {
    say "$(basename "$0"): $*"
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

require_swift() {
    # Swiftly puts the toolchain here and changes the login shell's PATH only.
    swiftly_bin="${SWIFTLY_BIN_DIR:-${HOME:-/root}/.local/share/swiftly/bin}"
    if ! have swift && [ -x "$swiftly_bin/swift" ]; then
        PATH="$swiftly_bin:$PATH"
        export PATH
    fi
    if ! have swift; then
        say "Swift is not installed (or not on the PATH). Get Swift $swift_major.$swift_minor or later:"
        say "    https://www.swift.org/install/linux/"
        exit 1
    fi
    version=$(swift --version 2>/dev/null |
        sed -n 's/.*Swift version \([0-9][0-9]*\)\.\([0-9][0-9]*\).*/\1 \2/p' | head -n 1)
    [ -n "$version" ] || fail "cannot read the output of \`swift --version\`; try it yourself to see what is wrong"
    if [ "${version% *}" -lt "$swift_major" ] ||
        { [ "${version% *}" -eq "$swift_major" ] && [ "${version#* }" -lt "$swift_minor" ]; }; then
        say "Swift ${version% *}.${version#* } is too old; this needs Swift $swift_major.$swift_minor or later:"
        say "    https://www.swift.org/install/linux/"
        exit 1
    fi
}

# What may be missing: how to see whether it is there, and what each packager calls it.

have_header() {
    for place in "/usr/include/$1" /usr/include/*/"$1" "/usr/local/include/$1"; do
        [ -e "$place" ] && return 0
    done
    return 1
}

have_need() {
    case $1 in
    openssl) have_header openssl/ssl.h ;;
    libcurl) have_header curl/curl.h ;;
    sqlite) have_header sqlite3.h ;;
    pkg-config) have pkg-config ;;
    python) have python3 && python3 -c 'import ensurepip, venv' >/dev/null 2>&1 ;;
    openssl-command) have openssl ;;
    nginx) have nginx || [ -x /usr/sbin/nginx ] ;;
    ip | nft) have "$1" || [ -x "/usr/sbin/$1" ] ;;
    *) have "$1" ;;
    esac
}

package_name() { # need packager
    case $1:$2 in
    openssl:apt) echo libssl-dev ;;
    openssl:dnf) echo openssl-devel ;;
    openssl:zypper) echo libopenssl-devel ;;
    libcurl:apt) echo libcurl4-openssl-dev ;;
    libcurl:*) echo libcurl-devel ;;
    sqlite:apt) echo libsqlite3-dev ;;
    sqlite:dnf) echo sqlite-devel ;;
    sqlite:zypper) echo sqlite3-devel ;;
    pkg-config:dnf) echo pkgconf-pkg-config ;;
    python:apt) echo python3 python3-venv ;;
    python:*) echo python3 ;;
    openssl-command:*) echo openssl ;;
    taskset:*) echo util-linux ;;
    ip:apt | ip:zypper) echo iproute2 ;;
    ip:*) echo iproute ;;
    nft:*) echo nftables ;;
    softhsm2-util:apt) echo softhsm2 libengine-pkcs11-openssl ;;
    softhsm2-util:*) echo softhsm openssl-pkcs11 ;;
    *) echo "$1" ;;
    esac
}

# Prints those of the needs that are missing.
missing_needs() {
    for need in "$@"; do
        have_need "$need" || printf '%s ' "$need"
    done
}

package_names() { # packager need...
    packager=$1
    shift
    for need in "$@"; do
        package_name "$need" "$packager"
    done | tr '\n' ' ' | sed 's/ *$//'
}

# Says what to run by hand for the needs given.
say_how_to_install() {
    say "Run one of these as root, then try again:"
    say "    apt-get install -y $(package_names apt "$@")"
    say "    dnf install -y $(package_names dnf "$@")"
    say "    zypper install -y $(package_names zypper "$@")"
}

# Installs what is missing where that can be done without a question; otherwise returns 1 with nothing changed.
try_install() {
    # shellcheck disable=SC2046
    set -- $(missing_needs "$@")
    [ $# -gt 0 ] || return 0
    have apt-get || return 1
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        have sudo && sudo -n true >/dev/null 2>&1 || return 1
        as_root="sudo -n"
    fi
    packages=$(package_names apt "$@")
    say "Installing: $packages"
    log=.build-install.log
    # RUNLEVEL=1 keeps a package from starting its service (nginx).
    # shellcheck disable=SC2086
    install_packages() {
        $as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 RUNLEVEL=1 \
            apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=120 $packages >>"$log" 2>&1 </dev/null
    }
    : >"$log"
    # A bare machine has no package lists yet, or stale ones.
    if ! install_packages; then
        $as_root apt-get update -q -o DPkg::Lock::Timeout=120 >>"$log" 2>&1 </dev/null
        if ! install_packages; then
            say "apt-get could not install them; the end of $log:"
            tail -n 15 "$log" >&2
            return 1
        fi
    fi
    [ -z "$(missing_needs "$@")" ]
}

require() {
    try_install "$@" && return 0
    # shellcheck disable=SC2046
    set -- $(missing_needs "$@")
    say "Missing: $*"
    say_how_to_install "$@"
    exit 1
}

# shellcheck disable=SC2034
build_needs="openssl libcurl sqlite pkg-config"
