/* Finds the encoding that a Python module declares. The names are those of Python's encodings and their
 * aliases (Lib/encodings/aliases.py), without - and _, which Python takes for each other. */
#include "kinds/settings/python_encoding.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 64 };

struct declared {
    const char *at;
    size_t length; /* 0: none is declared */
};

static const char *line_end(const char *at) {
    return at + strcspn(at, "\r\n");
}

static const char *next_line(const char *at) {
    at = line_end(at);
    return at + (*at == '\r' && at[1] == '\n' ? 2 : *at != '\0');
}

/* What a comment on this line declares; the line has nothing else. */
static struct declared find_on_line(const char *line) {
    const char *end = line_end(line), *at = line + strspn(line, " \t\f");
    if (*at != '#')
        return (struct declared){at, 0};
    for (; at + 7 < end; at++) {
        if (strncmp(at, "coding", 6) != 0 || (at[6] != ':' && at[6] != '='))
            continue;
        const char *name = at + 7 + strspn(at + 7, " \t");
        size_t length = 0;
        while (isalnum((unsigned char)name[length]) || (name[length] && strchr("-_.", name[length])))
            length++;
        if (length > 0)
            return (struct declared){name, length};
    }
    return (struct declared){at, 0};
}

/* The second line counts only where the first has nothing but white space and a comment. */
static struct declared find(const char *text) {
    struct declared found = find_on_line(text);
    const char *first = text + strspn(text, " \t\f");
    if (found.length > 0 || !strchr("#\r\n", *first))
        return found;
    return find_on_line(next_line(text));
}

/* In small letters, without - and _; cut where it is longer than any known one. */
static void normalise(struct declared declared, char name[NAME_SIZE]) {
    size_t length = 0;
    for (size_t i = 0; i < declared.length && length < NAME_SIZE - 1; i++)
        if (!strchr("-_", declared.at[i]))
            name[length++] = (char)tolower((unsigned char)declared.at[i]);
    name[length] = '\0';
}

/* Whether one of the words of list, which are separated by spaces, is name. */
static bool is_listed(const char *list, const char *name) {
    size_t length = strlen(name);
    for (const char *at = list; length > 0 && (at = strstr(at, name)) != NULL; at++)
        if ((at == list || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

/* A number between a prefix and a suffix that is one of those listed: cp1252, iso88592. */
static bool has_number(const char *name, const char *prefix, const char *numbers) {
    size_t length = strlen(prefix);
    return strncmp(name, prefix, length) == 0 && is_listed(numbers, name + length);
}

static bool is_single(const char *name) {
    static const char PAGES[] =
        "437 720 737 775 850 852 855 856 857 858 860 861 862 863 865 866 869 874 1006 1125 "
        "1250 1251 1252 1253 1254 1255 1256 1257 1258";
    static const char NAMES[] =
        "ascii 646 ansix3.41968 ansix341968 ansix3.41986 cp367 csascii ibm367 iso646us iso646.irv1991 isoir6 "
        "us usascii windows1250 windows1251 windows1252 windows1253 windows1254 windows1255 windows1256 "
        "windows1257 windows1258 cp866u ruscii cspc8codepage437 cspc775baltic cspc850multilingual cspcp852 "
        "csibm855 csibm857 cpis csibm861 cspc862latinhebrew csibm863 csibm865 csibm866 cpgr csibm869 "
        "hproman8 roman8 r8 cshproman8 cp1051 ibm1051 csisolatin6 isoir157 l6 latin6 isoir199 l8 latin8 "
        "isoceltic l7 latin7 l9 latin9 isoir226 l10 latin10 csisolatin2 isoir101 l2 latin2 csisolatin3 "
        "isoir109 l3 latin3 csisolatin4 isoir110 l4 latin4 csisolatincyrillic cyrillic isoir144 arabic "
        "asmo708 csisolatinarabic ecma114 isoir127 csisolatingreek ecma118 elot928 greek greek8 isoir126 "
        "csisolatinhebrew hebrew isoir138 csisolatin5 isoir148 l5 latin5 thai koi8r cskoi8r koi8t koi8u "
        "kz1048 rk1048 strk10482002 macarabic maccroatian maccyrillic macfarsi macgreek maciceland maclatin2 "
        "maccentraleurope maccenteuro macroman macintosh macromanian macturkish palmos ptcp154 csptcp154 "
        "pt154 cp154 cyrillicasian tis620 tis6200 tis62025290 tis62025291 isoir166 charmap iso8859101992 "
        "iso8859112001 iso8859141998 iso8859162001 iso885921987 iso885931988 iso885941988 iso885951988 "
        "iso885961987 iso885971987 iso885981988 iso885991989 "
        /* of two bytes, all above ASCII */
        "gb2312 chinese csiso58gb231280 euccn eucgb2312cn gb23121980 gb231280 isoir58 xmacsimpchinese euckr "
        "korean ksc5601 ksc56011987 ksx1001 xmackorean eucjp ujis ujis eucjis2004 jisx0213 eucjisx0213";
    return has_number(name, "cp", PAGES) || has_number(name, "ibm", PAGES) || is_listed(PAGES, name) ||
           has_number(name, "iso8859", "2 3 4 5 6 7 8 9 10 11 13 14 15 16") || is_listed(NAMES, name);
}

static bool is_opaque(const char *name) {
    static const char NAMES[] =
        "big5 big5tw csbig5 xmactradchinese big5hkscs hkscs cp932 932 ms932 mskanji windows31j cp949 949 "
        "ms949 uhc cp950 950 ms950 gb18030 gb180302000 gbk 936 cp936 ms936 hz hzgb hzgb2312 idna iso2022jp "
        "csiso2022jp iso2022jp1 iso2022jp2 iso2022jp2004 iso2022jp3 iso2022jpext iso2022kr csiso2022kr johab "
        "cp1361 ms1361 punycode rawunicodeescape unicodeescape shiftjis csshiftjis sjis xmacjapanese "
        "shiftjis2004 sjis2004 shiftjisx0213 sjisx0213 utf16 u16 utf16be unicodebigunmarked utf16le "
        "unicodelittleunmarked utf32 u32 utf32be utf32le utf7 u7 unicode11utf7 cp037 037 csibm037 ebcdiccpca "
        "ebcdiccpnl ebcdiccpus ebcdiccpwt ibm037 ibm039 cp1026 1026 csibm1026 ibm1026 cp1140 1140 ibm1140 "
        "cp273 273 ibm273 csibm273 cp424 424 csibm424 ebcdiccphe ibm424 cp500 500 csibm500 ebcdiccpbe "
        "ebcdiccpch ibm500 cp864 864 csibm864 ibm864 cp875 mbcs dbcs ansi oem";
    return is_listed(NAMES, name);
}

static bool begins_with(const char *name, const char *begin) {
    return strncmp(name, begin, strlen(begin)) == 0;
}

enum python_encoding python_encoding_of(const char *text, bool has_mark, struct settings_fault *fault) {
    static const char LATIN_1[] =
        "latin1 iso88591 isolatin1 8859 cp819 csisolatin1 ibm819 iso8859 iso885911987 isoir100 l1 latin";
    struct declared declared = find(text);
    char name[NAME_SIZE];
    normalise(declared, name);
    /* Python's tokenizer looks at no more than the beginning of these. */
    bool is_utf_8 = declared.length == 0 || begins_with(name, "utf8") || strcmp(name, "u8") == 0 ||
                    strcmp(name, "utf") == 0 || strcmp(name, "cp65001") == 0;
    if (is_utf_8)
        return ENCODING_UTF_8;
    enum python_encoding encoding = is_listed(LATIN_1, name) || begins_with(name, "latin1") ||
                                            begins_with(name, "iso88591") || begins_with(name, "isolatin1")
                                        ? ENCODING_LATIN_1
                                    : is_single(name) ? ENCODING_SINGLE
                                    : is_opaque(name) ? ENCODING_OPAQUE
                                                      : ENCODING_REFUSED;
    if (encoding != ENCODING_REFUSED && !has_mark)
        return is_listed("iso885910 iso885911 iso885913 iso885914 iso885915 iso885916", name)
                   ? ENCODING_SINGLE
                   : encoding;
    settings_fault_at(fault, text, declared.at,
        has_mark ? "an encoding other than that of the byte order mark"
                 : "no encoding of Python's has this name");
    fault->is_encoding = true;
    return ENCODING_REFUSED;
}

char *python_encoding_convert(const char *text, enum python_encoding encoding) {
    char *converted = malloc(2 * strlen(text) + 1), *to = converted;
    for (; converted && *text; text++) {
        unsigned char c = (unsigned char)*text;
        unsigned code = encoding == ENCODING_LATIN_1 ? c : 0x100U + (c & 0x7fU);
        if (c >= 0x80) {
            *to++ = (char)(0xc0U | code >> 6);
            *to++ = (char)(0x80U | (code & 0x3fU));
        } else {
            *to++ = *text;
        }
    }
    if (converted)
        *to = '\0';
    return converted;
}
