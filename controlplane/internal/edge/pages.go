package edge

import (
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/gofiber/fiber/v2/middleware/compress"
)

// Mount serves h for every method below path: pages that are not part of the API,
// such as a hosted checkout. What h says of content security holds there.
func (s *Server) Mount(prefix string, h http.Handler) {
	serve := adaptor.HTTPHandler(h)
	s.app.All(prefix+"/*", func(c *fiber.Ctx) error {
		if n := c.Request().Header.ContentLength(); n > maxOpBody || n == -1 { // -1: no length told
			return writeProblem(c, errTooLarge, 0)
		}
		c.Response().Header.Del("Content-Security-Policy")
		return serve(c)
	})
}

// Plain serves bytes that never change while the program runs.
func (s *Server) Plain(path, contentType string, body []byte) {
	s.app.Get(path, func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, contentType)
		return c.Send(body)
	})
}

// Portal serves the built portal: its files under their names, for ever when the
// name carries a hash, and index.html for every other address that a browser
// opens. It comes last, after all routes.
func (s *Server) Portal(files fs.FS) {
	index, err := fs.ReadFile(files, "index.html")
	s.app.Get("/*", compress.New(), func(c *fiber.Ctx) error {
		if err != nil {
			return writeProblem(c, errNoPortal, 0)
		}
		name := strings.TrimPrefix(path.Clean("/"+c.Params("*")), "/")
		if info, err := fs.Stat(files, name); err == nil && info.IsDir() && name != "." {
			name = path.Join(name, "index.html") // a folder's own page, such as /docs
		}
		if body, err := fs.ReadFile(files, name); err == nil {
			c.Set(fiber.HeaderContentType, mime.TypeByExtension(path.Ext(name)))
			c.Set(fiber.HeaderCacheControl, "no-cache")
			if strings.HasPrefix(name, "assets/") {
				c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
			}
			return c.Send(body)
		}
		if strings.HasPrefix(name, "v1/") || strings.HasPrefix(name, "assets/") {
			return writeProblem(c, errNoRoute, 0)
		}
		c.Set(fiber.HeaderContentType, "text/html; charset=utf-8")
		c.Set(fiber.HeaderCacheControl, "no-cache")
		return c.Send(index)
	})
}
