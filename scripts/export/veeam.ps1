<#
.SYNOPSIS
Exports which VMs Veeam protects, and until when. Read-only: only cmdlets with Get- are used.
.EXAMPLE
.\veeam.ps1 -Folder exports\veeam01
#>
param([Parameter(Mandatory)][string]$Folder)
$ErrorActionPreference = 'Stop'
New-Item -ItemType Directory -Force -Path $Folder | Out-Null

# Restore points name each VM, also where a job is made of folders, tags or clusters. A list that is not whole is not written.
try {
    $points = @(Get-VBRBackup | ForEach-Object {
        $backup = $_
        Get-VBRRestorePoint -Backup $backup | Group-Object Name | ForEach-Object {
            $last = $_.Group | Sort-Object CreationTime | Select-Object -Last 1
            [pscustomobject]@{
                VmName = $last.Name; Job = $backup.JobName; CreationTime = $last.CreationTime.ToUniversalTime().ToString('yyyy-MM-ddTHH:mm:ssZ')
            }
        }
    })
    $points | Export-Csv -NoTypeInformation -Encoding UTF8 -Path (Join-Path $Folder 'restore-points.csv')
} catch {
    Add-Content -Path (Join-Path $Folder 'errors.txt') -Value "restore-points.csv: $_"
}
