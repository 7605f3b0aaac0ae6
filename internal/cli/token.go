package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/internal/project"
	"github.com/plumbstore/plumb/internal/server/auth"
)

func (a *application) tokenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make tokens that plumb serve knows callers by",
	}
	cmd.AddCommand(a.tokenCreateCommand())
	return cmd
}

func (a *application) tokenCreateCommand() *cobra.Command {
	var name, role string
	cmd := &cobra.Command{
		Use:   "create --name NAME --role read|write|admin",
		Short: "Make a token with a role in the project, and print it once",
		Long: "Create makes a random token and adds its hash to the file that serving.tokens names; a server takes it up\n" +
			"within a second. Without serving.tokens it prints what to add to such a file. The token itself is printed here\n" +
			"and kept nowhere.\n\n" +
			"read: look-ups, joins, and reading the registry; write: also push; admin: also plan and apply.",
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.inProject(cmd.Context(), func(_ context.Context, p *project.Project) error {
				return a.createToken(p, name, role)
			})
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "what logs call the token: letters, digits, dots, dashes, underscores")
	cmd.Flags().StringVar(&role, "role", "", "what it may do in the project: read, write or admin")
	for _, flag := range []string{"name", "role"} {
		_ = cmd.MarkFlagRequired(flag) // It is defined just above.
	}
	return cmd
}

// createdToken is what is printed of a token. File is empty if the token is in no file yet.
type createdToken struct {
	Token    string   `json:"token"`
	Name     string   `json:"name"`
	Role     string   `json:"role"`
	Projects []string `json:"projects"`
	SHA256   string   `json:"sha256"`
	File     string   `json:"file,omitempty"`
}

// createToken prints the token alone on stdout and everything else on stderr, so that TOKEN=$(plumb token create …) has
// it and nothing more. The file gets a hash, from which the token cannot be had again.
func (a *application) createToken(p *project.Project, name, roleName string) error {
	role, err := auth.ParseRole(roleName)
	if err != nil {
		return err
	}
	if err := auth.CheckName(name); err != nil {
		return err
	}
	token, hash := auth.NewToken()
	entry := auth.Entry{Name: name, Hash: hash, Role: role, Projects: []string{p.Config.Project}}
	file := p.Config.Serving.Security.Tokens
	if file != "" {
		if err := auth.AppendToken(disk.Real(), file, entry); err != nil {
			return err
		}
	}
	created := createdToken{
		Token: token, Name: name, Role: role.String(), Projects: entry.Projects, SHA256: fmt.Sprintf("%x", hash), File: file,
	}
	return a.print(created, func(w *printable.Writer) error {
		if file != "" {
			a.note("%s has its hash now; the token is shown this once", file)
		} else {
			a.note("add this to the file that serving.tokens names; the token is shown this once")
			_ = printable.To(a.Err).Lines(entry.YAML() + "\n")
		}
		return w.Printf("%s\n", token)
	})
}
