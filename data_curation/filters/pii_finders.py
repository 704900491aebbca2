"""Personal data in a text: addresses and numbers that can be told by their form and checked."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from data_curation.optional import require

# --- e-mail ---
_EMAIL = re.compile(
    r"(?<![\w.%+-])([A-Za-z0-9_%+-](?:[A-Za-z0-9._%+-]{0,62}[A-Za-z0-9_%+-])?)"
    r"@((?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24})(?![\w-]|\.[A-Za-z])"
)
_PLACEHOLDER_DOMAIN = re.compile(
    r"(?:.*\.)?(?:example|test|invalid|localhost|local)(?:\.\w+)*"
    r"|(?:.*\.)?(?:e?mail|domain|website|site|provider|server|company|business|organi[sz]ation|school|store|shop|abc|xyz"
    r"|acme|abccompany|xyzcompany|(?:your|my|our|some)[\w-]*)(?:\.\w+)+",
    re.IGNORECASE,
)
_PLACEHOLDER_NAME = re.compile(
    r"(?:your|my|user|someone|somebody|first|last|full)?[._-]?(?:e?mail|name|user|username|address|person|id)\d*"
    r"|(?:(?:john|jane|j)[._-]?(?:doe|smith)|(?:first|last)[._-]?(?:name)?[._-]?(?:last|first)?[._-]?(?:name)?|foo|bar"
    r"|abc|xyz|test|sample|example|git|lorem|ipsum)\d*|(?:your|my|test|sample|lorem)[._-][\w.-]*|your[\w.-]*|(.)\1*",
    re.IGNORECASE,
)
_ROLE = re.compile(
    r"(?:info|support|contact|help|helpdesk|sales|admin|administrator|office|press|media|service|services|customer"
    r"|customer[._-]?(?:service|support|care)|hello|team|jobs|careers|hr|billing|orders|webmaster|postmaster|noreply"
    r"|no-reply|donotreply|feedback|privacy|security|abuse|enquiries|inquiries|marketing|subscribe|unsubscribe|news)",
    re.IGNORECASE,
)

# --- numbers ---
_PHONE = re.compile(r"(?<![\w.,/=$#-])(?:\+ ?|00 ?)?\(?\d[\d ().\u2010-\u2013/-]{5,22}\d(?![\w/%]|[.,-]\d)")
_DECIMAL = re.compile(r"\d{1,3}\.\d+")
_DATE = re.compile(
    r"(?:19|20)\d\d[-./]|\d{1,2}[-./]\d{1,2}[-./](?:19|20)?\d\d\b"
    r"|(?:19|20)\d\d ?[\u2010-\u2013-] ?(?:19|20)\d\d\b"
)
_PHONE_CUE = re.compile(
    r"(?:phone|call|tel|telephone|mobile|cell|fax|whatsapp|text|dial)\W{1,4}(?:\w{1,8}\W{1,3}){0,3}\Z", re.IGNORECASE
)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
_CARD = re.compile(r"(?<![\w.,-])(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}|\d{4}([ -])\d{6}\2\d{5})(?![\w-]|[.,]\d)")
_CARD_PREFIX = re.compile(r"4|5[1-5]|2[2-7]|3[47]|6(?:011|4|5)|35|30|36|38")
_SSN = re.compile(r"(?<![\w-])(?!000|666|9)(\d{3})-(?!00)(\d{2})-(?!0000)(\d{4})(?![\w-])")
_SSN_CUE = re.compile(r"\bSSN\b|\bsocial security\b", re.IGNORECASE)
_IPV4 = re.compile(r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)")
_MADE_UP_IP = re.compile(r"\d(?:\.\d)*|(\d+)(?:\.\1)+")  # single digits (a puzzle's, a version's), or all the same
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f:]{8,39}(?![\w:])")
_VERSION = re.compile(r"(?:version|release|section|chapter|clause|article|build|step|v|\u00a7)\W{0,3}\Z", re.IGNORECASE)
# numbers that manuals print
_SAMPLES = {
    "iban": {"GB82WEST12345698765432", "GB29NWBK60161331926819", "DE89370400440532013000", "GB33BUKB20201555555555"},
    "card": {"4111111111111111", "4242424242424242", "5555555555554444", "378282246310005", "6011111111111117"},
    "ssn": {"123-45-6789", "078-05-1120", "219-09-9999", "987-65-4321", "111-11-1111", "123-12-1234"},
    "ip": {"8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "1.2.3.4", "4.4.4.4"},
}


@dataclass(frozen=True, slots=True)
class Found:
    """One piece of personal data: `text[start:end]`."""

    kind: str
    start: int
    end: int


def emails(text: str, public: bool) -> Iterator[Found]:
    """E-mail addresses, but placeholders; addresses of an office (`info@`) only if `public`."""
    if "@" not in text:
        return
    for match in _EMAIL.finditer(text):
        name, domain = match[1], match[2]
        if _PLACEHOLDER_DOMAIN.fullmatch(domain) or _PLACEHOLDER_NAME.fullmatch(name):
            continue
        if public or not _ROLE.fullmatch(name):
            yield Found("email", *match.span())


def phones(text: str, public: bool, regions: tuple[str, ...]) -> Iterator[Found]:
    """Telephone numbers that exist by their country's plan; toll-free and shared-cost ones only if `public`.

    A number without separators and without a plus sign counts only behind a word such as `call`.
    """
    for match in _PHONE.finditer(text):
        number = match[0].strip()
        digits = re.sub(r"\D", "", number)
        if not 7 <= len(digits) <= 15 or _DECIMAL.fullmatch(number) or _DATE.search(number) or _made_up(digits):
            continue
        if number.isdecimal() and not _PHONE_CUE.search(text, max(0, match.start() - 40), match.start()):
            continue
        if _assigned(number, public, regions):
            yield Found("phone", match.start(), match.start() + len(match[0].rstrip()))


def _made_up(digits: str) -> bool:
    """555 numbers, the ranges that British films use, and runs such as 123-4567 or 000-0000."""
    if re.search("7700900\\d{3}$|2079460\\d{3}$", digits):
        return True
    national = digits[-10:]
    if len(national) == 10 and "555" in (national[:3], national[3:6]):
        return True
    if len(digits) == 7 and digits.startswith("555"):
        return True
    return digits[-7:] in ("1234567", "4567890", "2345678", "3456789") or len(set(digits[-7:])) == 1


def _assigned(number: str, public: bool, regions: tuple[str, ...]) -> bool:
    phonenumbers = require("phonenumbers")
    shared = {
        phonenumbers.PhoneNumberType.TOLL_FREE,
        phonenumbers.PhoneNumberType.SHARED_COST,
        phonenumbers.PhoneNumberType.PREMIUM_RATE,
        phonenumbers.PhoneNumberType.UAN,
    }
    for region in regions:
        matches = phonenumbers.PhoneNumberMatcher(number, region, phonenumbers.Leniency.STRICT_GROUPING, 3)
        for match in matches:
            if public or phonenumbers.number_type(match.number) not in shared:
                return True
    return False


def ibans(text: str) -> Iterator[Found]:
    """International bank account numbers whose check digits are right."""
    for match in _IBAN.finditer(text):
        account = match[0].replace(" ", "")
        if 15 <= len(account) <= 34 and account not in _SAMPLES["iban"] and iban_checks(account):
            yield Found("iban", *match.span())


def iban_checks(account: str) -> bool:
    """ISO 7064 mod 97-10."""
    return int("".join(str(int(character, 36)) for character in account[4:] + account[:4])) % 97 == 1


def cards(text: str) -> Iterator[Found]:
    """Numbers of payment cards whose check digit is right."""
    for match in _CARD.finditer(text):
        number = re.sub(r"\D", "", match[0])
        if number in _SAMPLES["card"] or len(set(number)) < 4 or not _CARD_PREFIX.match(number):
            continue
        if luhn_checks(number):
            yield Found("card", *match.span())


def luhn_checks(number: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(number))]
    return sum(digit - 9 if digit > 9 else digit for digit in doubled) % 10 == 0


def social_security_numbers(text: str) -> Iterator[Found]:
    """United States social security numbers: with hyphens, and called so shortly before (part numbers look alike)."""
    for match in _SSN.finditer(text):
        if match[0] not in _SAMPLES["ssn"] and _SSN_CUE.search(text, max(0, match.start() - 60), match.start()):
            yield Found("ssn", *match.span())


def addresses(text: str) -> Iterator[Found]:
    """IPv4 and IPv6 addresses of the public internet; private and documentation ranges and public resolvers not."""
    for pattern in (_IPV4, _IPV6):
        for match in pattern.finditer(text):
            if (
                match[0] in _SAMPLES["ip"]
                or _MADE_UP_IP.fullmatch(match[0])
                or _VERSION.search(text, max(0, match.start() - 12), match.start())
            ):
                continue
            try:
                public = ipaddress.ip_address(match[0]).is_global
            except ValueError:
                continue
            if public and (pattern is _IPV4 or match[0].count(":") > 3):
                yield Found("ip", *match.span())


PLAIN: dict[str, Callable[[str], Iterator[Found]]] = {
    "iban": ibans,
    "card": cards,
    "ssn": social_security_numbers,
    "ip": addresses,
}
