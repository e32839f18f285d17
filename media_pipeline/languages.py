"""Languages of tracks: from what containers say to BCP 47 tags and English names.

Containers tag tracks with ISO 639-2 codes, in the bibliographic or the terminological form
(``ger``, ``deu``), some with BCP 47 tags (``pt-BR``). BCP 47 (RFC 5646 §2.2.1) asks for the
two-letter code of ISO 639-1 where there is one. The table is ISO 639-2's, of the languages that
have one.
"""

import re

UNDETERMINED = "und"  # RFC 5646 §4.1: the language is not known

_LANGUAGES = """
aa aar Afar; ab abk Abkhazian; ae ave Avestan; af afr Afrikaans; ak aka Akan; am amh Amharic;
an arg Aragonese; ar ara Arabic; as asm Assamese; av ava Avaric; ay aym Aymara;
az aze Azerbaijani; ba bak Bashkir; be bel Belarusian; bg bul Bulgarian; bh bih Bihari languages;
bi bis Bislama; bm bam Bambara; bn ben Bengali; bo bod/tib Tibetan; br bre Breton;
bs bos Bosnian; ca cat Catalan; ce che Chechen; ch cha Chamorro; co cos Corsican; cr cre Cree;
cs ces/cze Czech; cu chu Church Slavic; cv chv Chuvash; cy cym/wel Welsh; da dan Danish;
de deu/ger German; dv div Divehi; dz dzo Dzongkha; ee ewe Ewe; el ell/gre Greek; en eng English;
eo epo Esperanto; es spa Spanish; et est Estonian; eu eus/baq Basque; fa fas/per Persian;
ff ful Fulah; fi fin Finnish; fj fij Fijian; fo fao Faroese; fr fra/fre French;
fy fry Western Frisian; ga gle Irish; gd gla Gaelic; gl glg Galician; gn grn Guarani;
gu guj Gujarati; gv glv Manx; ha hau Hausa; he heb Hebrew; hi hin Hindi; ho hmo Hiri Motu;
hr hrv Croatian; ht hat Haitian; hu hun Hungarian; hy hye/arm Armenian; hz her Herero;
ia ina Interlingua; id ind Indonesian; ie ile Interlingue; ig ibo Igbo; ii iii Sichuan Yi;
ik ipk Inupiaq; io ido Ido; is isl/ice Icelandic; it ita Italian; iu iku Inuktitut;
ja jpn Japanese; jv jav Javanese; ka kat/geo Georgian; kg kon Kongo; ki kik Kikuyu;
kj kua Kuanyama; kk kaz Kazakh; kl kal Kalaallisut; km khm Central Khmer; kn kan Kannada;
ko kor Korean; kr kau Kanuri; ks kas Kashmiri; ku kur Kurdish; kv kom Komi; kw cor Cornish;
ky kir Kirghiz; la lat Latin; lb ltz Luxembourgish; lg lug Ganda; li lim Limburgan;
ln lin Lingala; lo lao Lao; lt lit Lithuanian; lu lub Luba-Katanga; lv lav Latvian;
mg mlg Malagasy; mh mah Marshallese; mi mri/mao Maori; mk mkd/mac Macedonian; ml mal Malayalam;
mn mon Mongolian; mr mar Marathi; ms msa/may Malay; mt mlt Maltese; my mya/bur Burmese;
na nau Nauru; nb nob Norwegian Bokmål; nd nde North Ndebele; ne nep Nepali; ng ndo Ndonga;
nl nld/dut Dutch; nn nno Norwegian Nynorsk; no nor Norwegian; nr nbl South Ndebele;
nv nav Navajo; ny nya Chichewa; oc oci Occitan; oj oji Ojibwa; om orm Oromo; or ori Oriya;
os oss Ossetian; pa pan Panjabi; pi pli Pali; pl pol Polish; ps pus Pushto; pt por Portuguese;
qu que Quechua; rm roh Romansh; rn run Rundi; ro ron/rum Romanian; ru rus Russian;
rw kin Kinyarwanda; sa san Sanskrit; sc srd Sardinian; sd snd Sindhi; se sme Northern Sami;
sg sag Sango; si sin Sinhala; sk slk/slo Slovak; sl slv Slovenian; sm smo Samoan; sn sna Shona;
so som Somali; sq sqi/alb Albanian; sr srp Serbian; ss ssw Swati; st sot Southern Sotho;
su sun Sundanese; sv swe Swedish; sw swa Swahili; ta tam Tamil; te tel Telugu; tg tgk Tajik;
th tha Thai; ti tir Tigrinya; tk tuk Turkmen; tl tgl Tagalog; tn tsn Tswana; to ton Tonga;
tr tur Turkish; ts tso Tsonga; tt tat Tatar; tw twi Twi; ty tah Tahitian; ug uig Uighur;
uk ukr Ukrainian; ur urd Urdu; uz uzb Uzbek; ve ven Venda; vi vie Vietnamese; vo vol Volapük;
wa wln Walloon; wo wol Wolof; xh xho Xhosa; yi yid Yiddish; yo yor Yoruba; za zha Zhuang;
zh zho/chi Chinese; zu zul Zulu
"""

# Withdrawn codes and what took their place (IANA language subtag registry).
_WITHDRAWN = {"iw": "he", "in": "id", "ji": "yi", "mo": "ro", "scr": "hr", "scc": "sr"}

_LONGEST = 35  # RFC 5646 §4.4.1
_TAG = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", re.IGNORECASE)


def _table() -> tuple[dict[str, str], dict[str, str]]:
    """Two-letter codes by any code, and English names by two-letter code."""
    short: dict[str, str] = {}
    names: dict[str, str] = {}
    for row in _LANGUAGES.split(";"):
        code, long, name = row.split(maxsplit=2)
        short |= dict.fromkeys((code, *long.split("/")), code)
        names[code] = name
    return short, names


_SHORT, _NAMES = _table()


def language_tag(said: str | None) -> str:
    """The BCP 47 tag for what a container says; ``und`` for nothing and for what is no tag.

    MPEG-TS may name several languages, as ``deu,eng``: the first one counts.
    """
    tag = (said or "").partition(",")[0].strip().replace("_", "-")
    if len(tag) > _LONGEST or not _TAG.fullmatch(tag):
        return UNDETERMINED
    language, *rest = tag.lower().split("-")
    language = _WITHDRAWN.get(language, language)
    return "-".join([_SHORT.get(language, language), *map(_cased, rest)])


def _cased(subtag: str) -> str:
    """RFC 5646 §2.1.1: regions in capitals, scripts with a capital, all else small."""
    if len(subtag) == 2:
        return subtag.upper()
    return subtag.title() if len(subtag) == 4 and subtag.isalpha() else subtag


def language_name(tag: str) -> str:
    """The English name of a BCP 47 tag's language; the tag itself where no name is known, empty
    for ``und``."""
    if tag == UNDETERMINED:
        return ""
    language, *rest = tag.split("-")
    name = _NAMES.get(language)
    if name is None:
        return tag
    return f"{name} ({'-'.join(rest)})" if rest else name
