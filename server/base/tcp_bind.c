/* See tcp_bind.h. */
#include "base/tcp_bind.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

int tcp_bind(const struct ip *ip, uint16_t port, bool is_shared, int backlog, int *ret_fd,
             struct error *reterr)
{
    char text[IP_TEXT_MAX];
    (void)ip_format(ip, text);
    struct sockaddr_storage addr;
    socklen_t len = ip_to_sockaddr(ip, port, &addr);
    int fd = socket(addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_set_errno(reterr, errno, "cannot make a socket for %s port %u", text, port);
    int on = 1;
    /* On, or connections in TIME_WAIT refuse the address after each restart; beside REUSEPORT too.
     */
    int r = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (r == 0 && is_shared)
        r = setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    if (r == 0 && ip->family == 6)
        r = setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (r == 0)
        r = bind(fd, (struct sockaddr *)&addr, len);
    if (r == 0 && backlog > 0)
        r = listen(fd, backlog);
    if (r == 0) {
        *ret_fd = fd;
        return 0;
    }
    int errnum = errno;
    (void)close(fd); /* the error that counts is ERRNUM */
    if (errnum == EADDRINUSE)
        return error_set(reterr, ERR_EXISTS, "%s port %u is in use by another process", text, port);
    if (errnum == EACCES)
        return error_set(reterr, ERR_IO, "%s port %u needs the capability CAP_NET_BIND_SERVICE",
                         text, port);
    return error_set_errno(reterr, errnum, "cannot listen on %s port %u", text, port);
}
