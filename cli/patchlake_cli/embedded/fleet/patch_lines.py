"""The patches that each operating system releases, as lines: a line is a series of patches that replace each other.

Data only; `patches.py` makes the patches. Titles and ids have the forms that Patch Manager reports: KB numbers and
monthly titles on Windows, names of packages and their versions on Linux. In a text, ``{month}`` is the month of a
release, ``{serial}`` a number that grows with each one, and ``{kb}`` the number of its article.
"""

from typing import NamedTuple

from patchlake_cli.embedded.fleet.catalogue import Platform


class Line(NamedTuple):
    """A series of patches that replace each other.

    Attributes:
        source: the software that it patches, whatever the operating system: what is known as a CVE there is one here.
        title: member ``Title``.
        kb_id: member ``KBId``.
        classifications: member ``Classification`` of a patch that resolves CVEs, and of one that does not.
        cves: the CVEs that a patch resolves, fewest and most.
        security_percent: the share of its patches that resolve any.
    """

    source: str
    title: str
    kb_id: str
    classifications: tuple[str, str]
    cves: tuple[int, int]
    security_percent: int


class Vendor(NamedTuple):
    """The patches of an operating system.

    Attributes:
        lines: by the number of nodes that they concern, largest first.
        severities: member ``Severity`` of a patch that resolves CVEs, the most frequent first.
        no_severity: member ``Severity`` of any other patch.
        not_applicable: the titles and ids of patches that concern other systems.
        rejected: the titles and ids of patches that baselines reject.
    """

    lines: tuple[Line, ...]
    severities: tuple[str, ...]
    no_severity: str
    not_applicable: tuple[tuple[str, str], ...]
    rejected: tuple[tuple[str, str], ...]


_SOURCES = (
    # Source, name as an RPM package, name as a Debian package, version, the CVEs of one patch.
    ("linux", "kernel", "linux-image-aws", "6.1", (4, 24)),
    ("openssl", "openssl-libs", "libssl3", "3.2.2", (1, 3)),
    ("glibc", "glibc", "libc6", "2.34", (1, 2)),
    ("systemd", "systemd", "systemd", "252.23", (1, 2)),
    ("curl", "curl-minimal", "curl", "8.11.1", (1, 3)),
    ("openssh", "openssh-server", "openssh-server", "8.7p1", (1, 2)),
    ("python", "python3", "python3.10", "3.9.21", (1, 4)),
    ("sudo", "sudo", "sudo", "1.9.15", (1, 2)),
    ("libxml2", "libxml2", "libxml2", "2.10.4", (1, 3)),
    ("sqlite", "sqlite-libs", "libsqlite3-0", "3.40.0", (1, 2)),
    ("gnutls", "gnutls", "libgnutls30", "3.8.3", (1, 2)),
    ("krb5", "krb5-libs", "libkrb5-3", "1.21.3", (1, 2)),
    ("expat", "expat", "libexpat1", "2.6.3", (1, 3)),
    ("bind", "bind-libs", "bind9-libs", "9.18.33", (1, 4)),
    ("vim", "vim-minimal", "vim-common", "9.1.83", (1, 6)),
    ("git", "git-core", "git", "2.47.1", (1, 5)),
    ("perl", "perl-libs", "perl-base", "5.32.1", (1, 2)),
    ("nghttp2", "libnghttp2", "libnghttp2-14", "1.59.0", (1, 1)),
    ("tar", "tar", "tar", "1.34", (1, 1)),
    ("cups", "cups-libs", "libcups2", "2.3.3", (1, 2)),
    ("dbus", "dbus-broker", "dbus", "36", (1, 1)),
    ("containerd", "containerd", "containerd", "1.7.27", (1, 3)),
    ("runc", "runc", "runc", "1.2.6", (1, 2)),
    ("docker", "docker", "docker.io", "25.0.8", (1, 3)),
    ("go", "golang", "golang-1.22", "1.24.2", (1, 5)),
    ("openjdk", "java-17-openjdk-headless", "openjdk-17-jre-headless", "17.0.15", (2, 8)),
    ("httpd", "httpd", "apache2", "2.4.63", (1, 5)),
    ("nginx", "nginx", "nginx", "1.26.3", (1, 3)),
    ("postgresql", "postgresql15", "postgresql-14", "15.12", (1, 3)),
    ("php", "php8.3-common", "php8.1-common", "8.3.19", (1, 5)),
    ("samba", "samba-client-libs", "samba-libs", "4.19.4", (1, 3)),
    ("tzdata", "tzdata", "tzdata", "2026", (0, 0)),
    ("ca-certificates", "ca-certificates", "ca-certificates", "2026.2", (0, 0)),
)

_SECURITY_PERCENT = 70


def _rpm(release: str, *severities: str) -> Vendor:
    return Vendor(
        lines=tuple(
            Line(
                source,
                f"{name}.x86_64:0:{version}-{{serial}}.{release}",
                f"{name}.x86_64",
                ("Security", "Bugfix"),
                cves,
                _SECURITY_PERCENT,
            )
            for source, name, _, version, cves in _SOURCES
        ),
        severities=severities,
        no_severity="",
        not_applicable=tuple(
            (f"{name}-{kind}.x86_64:0:{version}-{{serial}}.{release}", f"{name}-{kind}.x86_64")
            for kind in ("debuginfo", "debugsource", "devel", "doc", "langpack-de", "langpack-ja", "static", "tests")
            for _, name, _, version, _ in _SOURCES
        ),
        rejected=(
            (f"telnet.x86_64:1:0.17-{{serial}}.{release}", "telnet.x86_64"),
            (f"rsh.x86_64:0:0.17-{{serial}}.{release}", "rsh.x86_64"),
        ),
    )


def _deb(release: str) -> Vendor:
    return Vendor(
        lines=tuple(
            Line(
                source,
                f"{name}:{version}-{release}.{{serial}}",
                f"{name}.amd64",
                ("Security", ""),
                cves,
                _SECURITY_PERCENT,
            )
            for source, _, name, version, cves in _SOURCES
        ),
        severities=("Important", "Required", "Standard"),
        no_severity="Optional",
        not_applicable=tuple(
            (f"{name}-{kind}:{version}-{release}.{{serial}}", f"{name}-{kind}.amd64")
            for kind in ("dbg", "dev", "doc", "headers", "l10n", "source", "tests", "utils")
            for _, _, name, version, _ in _SOURCES
        ),
        rejected=(
            (f"telnetd:0.17-{release}.{{serial}}", "telnetd.amd64"),
            (f"rsh-server:0.17-{release}.{{serial}}", "rsh-server.amd64"),
        ),
    )


def _windows(server: str, framework: str) -> Vendor:
    security, other = "SecurityUpdates", "Updates"
    return Vendor(
        lines=(
            Line(
                "windows",
                f"{{month}} Cumulative Update for {server} for x64-based Systems (KB{{kb}})",
                "KB{kb}",
                (security, other),
                (18, 70),
                100,
            ),
            Line(
                "dotnet",
                f"{{month}} Cumulative Update for .NET Framework {framework} for {server} for x64 (KB{{kb}})",
                "KB{kb}",
                (security, "UpdateRollups"),
                (1, 4),
                60,
            ),
            Line(
                "msrt",
                "Windows Malicious Software Removal Tool x64 - v5.{serial} (KB890830)",
                "KB890830",
                ("UpdateRollups", "UpdateRollups"),
                (0, 0),
                0,
            ),
            Line(
                "defender",
                "Update for Microsoft Defender Antivirus antimalware platform - KB4052623 (Version 4.18.{serial}.9) - "
                "Current Channel (Broad)",
                "KB4052623",
                ("DefinitionUpdates", "DefinitionUpdates"),
                (0, 0),
                0,
            ),
            Line(
                "windows-stack",
                f"{{month}} Servicing Stack Update for {server} for x64-based Systems (KB{{kb}})",
                "KB{kb}",
                ("CriticalUpdates", "CriticalUpdates"),
                (0, 0),
                0,
            ),
            Line(
                "sql-server",
                "Security Update for SQL Server 2019 RTM CU{serial} (KB{kb})",
                "KB{kb}",
                (security, other),
                (1, 3),
                100,
            ),
        ),
        severities=("Critical", "Important", "Moderate"),
        no_severity="Unspecified",
        not_applicable=tuple(
            (f"{{month}} {kind} for {system} (KB{{kb}})", "KB{kb}")
            for system in (
                *("Windows 10 Version 1607 for x64-based Systems", "Windows 10 Version 1809 for ARM64-based Systems"),
                *("Windows 10 Version 21H2 for x86-based Systems", "Windows 11 Version 23H2 for x64-based Systems"),
                *("Windows Server 2012 R2 for x64-based Systems", "Windows Server 2016 for x64-based Systems"),
                *("Windows Server 2025 for x64-based Systems", "Azure Stack HCI, version 22H2 for x64-based Systems"),
            )
            for kind in (
                *("Cumulative Update", "Dynamic Cumulative Update", "Servicing Stack Update"),
                *("Cumulative Update for .NET Framework 3.5 and 4.8", "Security Only Quality Update"),
            )
        ),
        rejected=(
            ("Microsoft Silverlight (KB4481252)", "KB4481252"),
            ("Update for Removal of Adobe Flash Player for x64-based systems (KB4577586)", "KB4577586"),
        ),
    )


_MACOS = Vendor(
    lines=(
        Line("macos", "macOS Sequoia 15.{serial}", "macOS Sequoia", ("", ""), (10, 40), 90),
        Line("safari", "Safari 18.{serial}", "Safari", ("", ""), (2, 9), 90),
        Line("clt", "Command Line Tools for Xcode 16.{serial}", "Command Line Tools", ("", ""), (0, 0), 0),
    ),
    severities=("",),
    no_severity="",
    not_applicable=(("Pro Video Formats 2.{serial}", "Pro Video Formats"),),
    rejected=(("Rosetta {serial}", "Rosetta"), ("GarageBand {serial}", "GarageBand")),
)

_VENDORS = {
    ("Amazon Linux", "2023"): _rpm("amzn2023.0.1", "Important", "Medium", "Low", "Critical"),
    ("Ubuntu", "22.04"): _deb("0ubuntu0.22.04"),
    ("Ubuntu", "24.04"): _deb("0ubuntu0.24.04"),
    ("Red Hat Enterprise Linux", "9.4"): _rpm("el9_4", "Moderate", "Important", "Low", "Critical"),
    ("SLES", "15.6"): _rpm("150600.3.1", "Important", "Moderate", "Low", "Critical"),
    ("Microsoft Windows Server 2019 Datacenter", "10.0.17763"): _windows(
        "Windows Server 2019 (1809)", "3.5, 4.7.2 and 4.8"
    ),
    ("Microsoft Windows Server 2022 Datacenter", "10.0.20348"): _windows(
        "Microsoft server operating system version 21H2", "3.5, 4.8 and 4.8.1"
    ),
    ("macOS", "15.5"): _MACOS,
}


def vendor_of(platform: Platform) -> Vendor:
    """Return the patches of a platform."""
    return _VENDORS[platform.name, platform.version]
