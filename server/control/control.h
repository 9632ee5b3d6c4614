/* The doors an administrator's request goes through, put together once by the composition root. */
#ifndef POSTERN_CONTROL_CONTROL_H
#define POSTERN_CONTROL_CONTROL_H

#include "control/certificate_ctl.h"
#include "control/config_ctl.h"
#include "control/file_ctl.h"
#include "control/log_ctl.h"
#include "control/queue_ctl.h"
#include "control/stats_ctl.h"

struct work_pool;

/* All borrowed. */
struct control {
    struct config_ctl *config;
    struct file_ctl *file;
    struct queue_ctl *queue;
    struct log_ctl *log;
    struct stats_ctl *stats;
    struct work_pool *workers; /* for what takes long: hashing a password */
    const char *state_dir;     /* holds the setup code */
};

#endif
