/* IP addresses and networks as values: see ip.h.
 *
 * One form a value: an IPv4-mapped IPv6 address (::ffff:192.0.2.1, what a dual-stack socket shows)
 * is folded into IPv4 wherever an address comes in, so that a rule for 192.0.2.0/24 cannot be
 * walked around by the other spelling. Unused bytes are zero. Parsing is strict: no leading zeros
 * in IPv4 (some readers take 010 for 8), no zone index, no blanks. No names, no DNS, no allocation.
 */
#include "base/ip.h"

#include <arpa/inet.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static struct ip from_v4(const uint8_t bytes[4])
{
    struct ip ip = {.family = 4};
    memcpy(ip.bytes, bytes, 4);
    return ip;
}

static struct ip from_v6(const uint8_t bytes[16])
{
    if (memcmp(bytes, mapped_prefix, sizeof(mapped_prefix)) == 0)
        return from_v4(bytes + sizeof(mapped_prefix));
    struct ip ip = {.family = 6};
    memcpy(ip.bytes, bytes, 16);
    return ip;
}

bool ip_parse(struct slice text, struct ip *ret_ip)
{
    char copy[IP_TEXT_MAX];
    uint8_t bytes[16];
    if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.p, '\0', text.len) != NULL)
        return false;
    memcpy(copy, text.p, text.len);
    copy[text.len] = '\0';

    if (inet_pton(AF_INET, copy, bytes) == 1) {
        *ret_ip = from_v4(bytes);
        return true;
    }
    if (inet_pton(AF_INET6, copy, bytes) == 1) {
        *ret_ip = from_v6(bytes);
        return true;
    }
    return false;
}

/* RFC 5952 4: lower case, no leading zeros, the longest run of two or more zero groups is `::`, the
 * first of equals. Always in groups: mapped addresses were folded, and for the deprecated
 * IPv4-compatible ones the dotted form is only advice (RFC 5952 5). */
static void format_v6(const uint8_t bytes[16], char out[IP_TEXT_MAX])
{
    unsigned groups[8];
    size_t best_at = 8, best_len = 1;
    for (size_t i = 0; i < 8; i++)
        groups[i] = (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
    for (size_t i = 0; i < 8; i++) {
        size_t len = 0;
        while (i + len < 8 && groups[i + len] == 0)
            len++;
        if (len > best_len) {
            best_at = i;
            best_len = len;
        }
    }

    size_t at = 0;
    for (size_t i = 0; i < 8; i++) {
        if (i == best_at) {
            out[at++] = ':';
            out[at++] = ':';
            i += best_len - 1;
            continue;
        }
        if (i > 0 && out[at - 1] != ':')
            out[at++] = ':';
        at += (size_t)snprintf(out + at, IP_TEXT_MAX - at, "%x", groups[i]);
    }
    out[at] = '\0';
}

const char *ip_format(const struct ip *ip, char out[IP_TEXT_MAX])
{
    const uint8_t *b = ip->bytes;
    if (ip->family == 4)
        (void)snprintf(out, IP_TEXT_MAX, "%u.%u.%u.%u", (unsigned)b[0], (unsigned)b[1],
                       (unsigned)b[2], (unsigned)b[3]);
    else if (ip->family == 6)
        format_v6(b, out);
    else
        (void)snprintf(out, IP_TEXT_MAX, "none");
    return out;
}

bool ip_eq(const struct ip *a, const struct ip *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool ip_is_loopback(const struct ip *ip)
{
    static const uint8_t one[16] = {[15] = 1};
    if (ip->family == 4)
        return ip->bytes[0] == 127;
    return ip->family == 6 && memcmp(ip->bytes, one, sizeof(one)) == 0;
}

bool ip_is_link_local(const struct ip *ip)
{
    if (ip->family == 4)
        return ip->bytes[0] == 169 && ip->bytes[1] == 254;
    return ip->family == 6 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

/* Whether the first PREFIX bits of both are equal. */
static bool has_equal_bits(const uint8_t *a, const uint8_t *b, unsigned prefix)
{
    size_t whole = prefix / 8;
    unsigned rest = prefix % 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

static bool has_bits_behind(const struct ip *ip, unsigned prefix, unsigned width)
{
    for (unsigned i = prefix; i < width; i++) {
        if ((ip->bytes[i / 8] & (0x80u >> (i % 8))) != 0)
            return true;
    }
    return false;
}

bool ip_net_parse(struct slice text, struct ip_net *ret_net)
{
    struct slice rest = text;
    struct slice address = slice_cut(&rest, '/');
    struct ip_net net = {0};
    if (!ip_parse(address, &net.ip))
        return false;

    unsigned width = net.ip.family == 4 ? 32 : 128;
    unsigned long long prefix = width;
    if (address.len < text.len) {
        bool is_mapped = net.ip.family == 4 && slice_find(address, ':') < address.len;
        if (rest.len > 1 && rest.p[0] == '0')
            return false;
        if (!slice_to_u64(rest, is_mapped ? 128 : width, &prefix))
            return false;
        /* ::ffff:10.0.0.0/104 is 10.0.0.0/8; a shorter one holds more than IPv4. */
        if (is_mapped) {
            if (prefix < 96)
                return false;
            prefix -= 96;
        }
    }
    if (has_bits_behind(&net.ip, (unsigned)prefix, width))
        return false;
    net.prefix = (uint8_t)prefix;
    *ret_net = net;
    return true;
}

bool ip_net_contains(const struct ip_net *net, const struct ip *ip)
{
    return net->ip.family != 0 && net->ip.family == ip->family &&
           has_equal_bits(net->ip.bytes, ip->bytes, net->prefix);
}

socklen_t ip_to_sockaddr(const struct ip *ip, uint16_t port, struct sockaddr_storage *ret_addr)
{
    memset(ret_addr, 0, sizeof(*ret_addr));
    if (ip->family == 4) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
        memcpy(&in.sin_addr, ip->bytes, 4);
        memcpy(ret_addr, &in, sizeof(in));
        return sizeof(in);
    }
    ASSERT(ip->family == 6);
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memcpy(&in6.sin6_addr, ip->bytes, 16);
    memcpy(ret_addr, &in6, sizeof(in6));
    return sizeof(in6);
}

bool ip_from_sockaddr(const struct sockaddr *addr, struct ip *ret_ip, uint16_t *ret_port)
{
    uint16_t port;
    if (addr->sa_family == AF_INET) {
        struct sockaddr_in in;
        uint8_t bytes[4];
        memcpy(&in, addr, sizeof(in));
        memcpy(bytes, &in.sin_addr, sizeof(bytes));
        *ret_ip = from_v4(bytes);
        port = ntohs(in.sin_port);
    } else if (addr->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, addr, sizeof(in6));
        *ret_ip = from_v6(in6.sin6_addr.s6_addr);
        port = ntohs(in6.sin6_port);
    } else {
        return false;
    }
    if (ret_port != NULL)
        *ret_port = port;
    return true;
}

const char *ip_reverse_name(const struct ip *ip, char *out, size_t out_size)
{
    const uint8_t *b = ip->bytes;
    ASSERT(out_size >= 80);
    if (ip->family == 4) {
        (void)snprintf(out, out_size, "%u.%u.%u.%u.in-addr.arpa.", (unsigned)b[3], (unsigned)b[2],
                       (unsigned)b[1], (unsigned)b[0]);
        return out;
    }
    ASSERT(ip->family == 6);
    size_t at = 0;
    for (size_t i = 16; i > 0; i--) {
        static const char digits[] = "0123456789abcdef";
        out[at++] = digits[b[i - 1] & 0xf];
        out[at++] = '.';
        out[at++] = digits[b[i - 1] >> 4];
        out[at++] = '.';
    }
    (void)snprintf(out + at, out_size - at, "ip6.arpa.");
    return out;
}
