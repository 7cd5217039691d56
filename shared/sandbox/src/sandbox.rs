use std::path::PathBuf;

use crate::{Limits, Program, Settings, Tool, Unavailable, Verdict, run, unavailable::Refused};

/// A way to run programs that was seen to contain one on this machine.
#[derive(Clone, Debug)]
pub struct Sandbox {
    settings: Settings,
    tool: Tool,
    path: PathBuf,
}

impl Sandbox {
    /// Finds a tool that makes sandboxes, and tries it once with a harmless program.
    ///
    /// # Errors
    ///
    /// Says what the machine lacks, or what the program could do although it must not.
    pub async fn detect(settings: Settings) -> Result<Self, Unavailable> {
        check_python(&settings)?;
        let mut refused = Vec::new();
        for tool in settings.tools.iter().copied() {
            let Some(path) = tool.find(&settings.tool_folders) else { continue };
            let sandbox = Self { settings: settings.clone(), tool, path };
            match sandbox.run(&probe(settings.limits.processes)).await {
                Verdict::Passed => return Ok(sandbox),
                verdict => refused.push(Refused { tool, reason: verdict.to_string() }),
            }
        }
        if refused.is_empty() {
            return Err(Unavailable::NoTool { folders: settings.tool_folders });
        }
        Err(Unavailable::NotContained(refused))
    }

    /// Returns the tool that is used.
    pub const fn tool(&self) -> Tool {
        self.tool
    }

    /// Returns the sandbox with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// Runs the program in a sandbox of its own, and waits until nothing of it is left.
    ///
    /// Cancel safe: if the future is dropped, all processes of the sandbox are killed. It takes no longer than the
    /// limit of time and a second. Callers decide how many run at once.
    pub async fn run(&self, program: &Program) -> Verdict {
        run::run(|judge| self.tool.command(&self.path, &self.settings, judge), &self.settings.limits, program)
            .await
    }
}

fn check_python(settings: &Settings) -> Result<(), Unavailable> {
    let python = &settings.python;
    if !cfg!(target_os = "linux") {
        return Err(Unavailable::NotLinux);
    }
    if !python.starts_with("/usr") {
        return Err(Unavailable::PythonElsewhere(python.clone()));
    }
    if !python.is_file() {
        return Err(Unavailable::NoPython(python.clone()));
    }
    Ok(())
}

/// Program that tries harmlessly what a sandbox must not let it do, and fails if anything of it is possible.
fn probe(processes: u32) -> Program {
    Program {
        code: include_str!("python/probe.py").to_owned(),
        tests: format!(
            "def check(escapes):\n    found = escapes({processes})\n    assert found == [], found\n"
        ),
        entry_point: Some("escapes".to_owned()),
        ..Program::default()
    }
}
