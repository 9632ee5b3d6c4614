/* Reading record data. See dns_wire.h. Pure functions, linear time but for the one sort. */
#include "net/dns_wire.h"

#include "base/mailaddr.h"
#include "base/mem.h"

/* An answer is at most 64 KiB: this many MX records do not fit. */
enum { DNS_MX_MAX = 8192 };

bool dns_wire_name(struct slice rdata, char out[RESOLVER_NAME_MAX])
{
    char name[RESOLVER_NAME_MAX];
    size_t len = 0;
    size_t at = 0;
    for (;;) {
        if (at >= rdata.len)
            return false;
        size_t label = (unsigned char)rdata.p[at++];
        if (label == 0)
            break;
        if (label > 63 || label > rdata.len - at || len + label + 1 >= sizeof(name))
            return false;
        if (len > 0)
            name[len++] = '.';
        for (size_t i = 0; i < label; i++) {
            char c = rdata.p[at + i];
            if (c == '.')
                return false; /* a dot inside a label would make it look like another name */
            name[len++] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
        }
        at += label;
    }
    if (len > 0 && !mailaddr_is_domain(slice_of(name, len)))
        return false;
    memcpy(out, name, len);
    out[len] = '\0';
    return true;
}

void dns_wire_add_mx(struct resolver_answer *answer, struct slice rdata)
{
    struct resolver_host host = {0};
    if (rdata.len < 3 || answer->host_count >= DNS_MX_MAX)
        return;
    host.preference = (uint16_t)((unsigned char)rdata.p[0] << 8 | (unsigned char)rdata.p[1]);
    if (!dns_wire_name(slice_of(rdata.p + 2, rdata.len - 2), host.name))
        return;
    size_t count = answer->host_count;
    if ((count & (count - 1)) == 0) /* a power of two, or none: grow */
        answer->hosts = mem_realloc(answer->hosts, (count == 0 ? 1 : 2 * count) * sizeof(host));
    answer->hosts[answer->host_count++] = host;
}

static int by_preference(const void *a, const void *b)
{
    const struct resolver_host *x = a, *y = b;
    if (x->preference != y->preference)
        return x->preference < y->preference ? -1 : 1;
    return strcmp(x->name, y->name); /* qsort is not stable: a fixed order for the same answer */
}

void dns_wire_sort_mx(struct resolver_answer *answer)
{
    /* RFC 7505 3: a single `.`; among other hosts it is just no host */
    answer->is_null_mx = answer->host_count == 1 && answer->hosts[0].name[0] == '\0';
    size_t kept = 0;
    for (size_t i = 0; i < answer->host_count; i++) {
        if (answer->hosts[i].name[0] != '\0')
            answer->hosts[kept++] = answer->hosts[i];
    }
    answer->host_count = kept;
    if (kept > 1)
        qsort(answer->hosts, kept, sizeof(*answer->hosts), by_preference);
    if (kept > RESOLVER_HOSTS_MAX)
        answer->host_count = RESOLVER_HOSTS_MAX;
    if (kept == 0 && !answer->is_null_mx && answer->status == RESOLVER_STATUS_OK) {
        answer->status = RESOLVER_STATUS_FAILED;
        (void)snprintf(answer->why, sizeof(answer->why), "its MX records name no host");
    }
}

void dns_wire_add_ip(struct resolver_answer *answer, struct slice rdata)
{
    if ((rdata.len != 4 && rdata.len != 16) || answer->ip_count >= RESOLVER_IPS_MAX)
        return;
    if (answer->ips == NULL)
        answer->ips = mem_array(RESOLVER_IPS_MAX, sizeof(struct ip));
    struct ip ip = {.family = rdata.len == 4 ? 4 : 6};
    memcpy(ip.bytes, rdata.p, rdata.len);
    answer->ips[answer->ip_count++] = ip;
}

void dns_wire_sort_ips(struct resolver_answer *answer)
{
    struct ip sorted[RESOLVER_IPS_MAX] = {{0}};
    size_t count = 0;
    for (int family = 6; family >= 4; family -= 2) {
        for (size_t i = 0; i < answer->ip_count; i++) {
            if (answer->ips[i].family == family)
                sorted[count++] = answer->ips[i];
        }
    }
    memcpy(answer->ips, sorted, count * sizeof(*sorted));
}
