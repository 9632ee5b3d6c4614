/* Builds what a configuration needs at run time: served certificates by listener, access tables,
 * trust. A certificate that several listeners name is loaded once; each listener has a tls_server
 * of its own, so that a ticket of one is worth nothing at another. */
#include "engine/snapshot.h"

#include "base/mem.h"
#include "pki/demo.h"
#include "pki/served.h"
#include "pki/trust.h"
#include "policy/hat.h"
#include "policy/rat.h"

enum { POINTER_MAX = 256 };

struct served *snapshot_load_certificate(const struct config *config, size_t position,
                                         const char *keys_dir, struct config_errors *errors)
{
    const struct cfg_certificate *certificate = &config->certificates.items[position];
    struct slice chains[2];
    size_t count = 0;
    struct served *served = NULL;
    struct error error;

    for (size_t i = 0; i < certificate->keys.count && i < ARRAY_LEN(chains); i++)
        chains[count++] = certificate->keys.items[i].chain;
    int r = served_load(keys_dir, chains, count, &served, &error);
    if (r < 0) {
        char pointer[POINTER_MAX];
        (void)snprintf(pointer, sizeof pointer, "/certificates/%zu/keys", position);
        config_errors_add(errors, pointer,
                          r == ERR_NOT_FOUND ? "key.missing" : "certificate.unusable", "%s",
                          error.text);
        return NULL;
    }
    return served;
}

static bool uses_demonstration(const struct cfg_certificate *certificate)
{
    for (size_t i = 0; i < certificate->keys.count; i++)
        if (demo_is_demo(certificate->keys.items[i].chain))
            return true;
    return false;
}

static bool build_listener(struct snapshot *s, size_t position, struct served **served,
                           struct config_errors *errors)
{
    const struct config *config = s->config;
    struct snapshot_listener *l = &s->listeners[position];

    l->cfg = &config->listeners.items[position];
    l->interface = config_find_interface(config, l->cfg->interface);
    l->hat = hat_create(config, l->cfg->name);
    if (l->cfg->type == CFG_LISTENER_TYPE_PUBLIC)
        l->rat = rat_create(config, l->cfg->name);
    const struct cfg_certificate *certificate =
        config_find_certificate(config, l->cfg->certificate);
    if (certificate == NULL)
        return true;
    size_t index = (size_t)(certificate - config->certificates.items);
    if (served[index] == NULL)
        return false; /* load_certificate said why */
    l->is_demonstration = uses_demonstration(certificate);
    const struct tls_server_settings settings = {
        .served = served[index],
        .has_tickets = true,
    };
    struct error error;
    int r = tls_server_create(&settings, &l->tls, &error);
    if (r < 0) {
        char pointer[POINTER_MAX];
        (void)snprintf(pointer, sizeof pointer, "/listeners/%zu/certificate", position);
        config_errors_add(errors, pointer, "certificate.unusable", "%s", error.text);
        return false;
    }
    return true;
}

static bool build_trust(struct snapshot *s, struct served *client, struct config_errors *errors)
{
    const struct config *config = s->config;
    struct slice *pems = mem_array(config->trust_lists.count + 1, sizeof *pems);
    struct trust_settings trust_settings = {.custom_pems = pems};
    struct trust *trust = NULL;
    struct error error;

    for (size_t i = 0; i < config->trust_lists.count; i++) {
        const struct cfg_trust_list *list = &config->trust_lists.items[i];
        if (list->type == CFG_TRUST_TYPE_SYSTEM)
            trust_settings.wants_system = true;
        else
            pems[trust_settings.custom_count++] = list->pem;
    }
    int r = 0;
    if (trust_settings.wants_system || trust_settings.custom_count > 0)
        r = trust_create(&trust_settings, &trust, &error);
    free(pems);
    if (r == 0) {
        const struct tls_client_settings settings = {.trust = trust, .served = client};
        r = tls_client_create(&settings, &s->tls_client, &error);
    }
    trust_unref(trust);
    if (r < 0)
        config_errors_add(errors, "/trust-lists", "trust.unusable", "%s", error.text);
    return r == 0;
}

bool snapshot_create(const struct config *config, const char *keys_dir,
                     struct snapshot **ret_snapshot, struct config_errors *errors)
{
    struct snapshot *s = MEM_NEW(struct snapshot);
    size_t certificate_count = config->certificates.count;
    struct served **served = mem_zalloc((certificate_count + 1) * sizeof(struct served *));
    struct served *client = NULL;
    bool is_ok = true;

    atomic_init(&s->refs, 1);
    s->config = config_ref(config);
    s->listener_count = config->listeners.count;
    s->listeners = mem_zalloc((s->listener_count + 1) * sizeof *s->listeners);
    for (size_t i = 0; i < certificate_count; i++) {
        served[i] = snapshot_load_certificate(config, i, keys_dir, errors);
        is_ok = is_ok && served[i] != NULL;
    }
    for (size_t i = 0; i < s->listener_count; i++)
        is_ok = build_listener(s, i, served, errors) && is_ok;
    const struct cfg_certificate *certificate =
        config_find_certificate(config, config->delivery.certificate);
    if (certificate != NULL)
        client = served[certificate - config->certificates.items];
    is_ok = build_trust(s, client, errors) && is_ok;

    for (size_t i = 0; i < certificate_count; i++)
        served_unref(served[i]);
    free(served);
    if (!is_ok) {
        snapshot_unref(s);
        return false;
    }
    *ret_snapshot = s;
    return true;
}

struct snapshot *snapshot_ref(struct snapshot *snapshot)
{
    (void)atomic_fetch_add_explicit(&snapshot->refs, 1, memory_order_relaxed);
    return snapshot;
}

void snapshot_unref(struct snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    if (atomic_fetch_sub_explicit(&snapshot->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < snapshot->listener_count; i++) {
        tls_server_unref(snapshot->listeners[i].tls);
        hat_destroy(snapshot->listeners[i].hat);
        rat_destroy(snapshot->listeners[i].rat);
    }
    free(snapshot->listeners);
    tls_client_unref(snapshot->tls_client);
    config_unref(snapshot->config);
    free(snapshot);
}

const struct snapshot_listener *snapshot_find_listener(const struct snapshot *snapshot,
                                                       struct slice name)
{
    for (size_t i = 0; i < snapshot->listener_count; i++)
        if (slice_eq(snapshot->listeners[i].cfg->name, name))
            return &snapshot->listeners[i];
    return NULL;
}
